/** Who is connected to shares, how safely, and what they have open; and ending a connection. */
import { createMemo, createSignal, For, type JSX, onCleanup, Show } from 'solid-js';
import { formatBytes } from '../../../../control/src/domain/units.ts';
import { type Problem, problemOf } from '../../data/problem.ts';
import { nothing, useQuery } from '../../data/query.ts';
import { ask, whyNot } from '../../data/session.ts';
import { type Outputs, trpc } from '../../data/trpc.ts';
import { say } from '../../frame/toasts.tsx';
import { Answer, Button, Note, Page, ProblemBox, Section, Time } from '../../parts/basic.tsx';
import { Dialog } from '../../parts/Dialog.tsx';
import { Status } from '../../parts/Status.tsx';
import { Table } from '../../parts/VirtualTable.tsx';
import { plural } from '../../parts/words.ts';
import { SHARES_TABS } from './tabs.ts';

type Session = Outputs['shares']['sessions']['sessions'][number];
const ACCESS: Readonly<Record<Session['files'][number]['access'], string>> = {
  read: 'reading',
  write: 'writing',
  both: 'reading and writing',
  lock: 'locked',
  unknown: '',
};
/** No event tells how much moves. */
const LOOK_MS = 3_000;
const nameOf = (s: Session): string => (s.user === null ? s.machine : `${s.user} at ${s.machine}`);

const Wire = (props: { session: Session }): JSX.Element => (
  <Show when={props.session.encrypted !== null} fallback={<span class="dim">not told</span>}>
    <Status tone={props.session.encrypted ? 'ok' : props.session.signed ? 'idle' : 'warn'}>
      {props.session.encrypted ? 'encrypted' : props.session.signed ? 'signed' : 'neither signed nor encrypted'}
    </Status>
  </Show>
);

/** By the kernel's count of the connection: one that sees nothing of its own has none, and is not said to be idle. */
const Moves = (props: { session: Session; way: 'received' | 'sent' }): JSX.Element => (
  <Show when={props.session.traffic} fallback={<span class="dim">not told</span>}>
    {(all) => (
      <span class="num" title={`${formatBytes(all()[props.way])} since it connected`}>
        <Show when={props.session.rate} fallback={<span class="dim">{formatBytes(all()[props.way])}</span>}>
          {(rate) => `${formatBytes(rate()[props.way])}/s`}
        </Show>
      </span>
    )}
  </Show>
);

const End = (props: { session: Session; onClose: () => void; onDone: () => void }): JSX.Element => {
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const [busy, setBusy] = createSignal(false);
  const end = async (): Promise<void> => {
    setBusy(true);
    try {
      const { id, user, address } = props.session;
      await ask(() => trpc.shares.endSession.mutate({ id, user, address }));
      say(`${nameOf(props.session)} is disconnected`);
      props.onDone();
      props.onClose();
    } catch (error) {
      setProblem(problemOf(error));
    }
    setBusy(false);
  };
  return (
    <Dialog
      open
      onClose={props.onClose}
      title={`Disconnect ${nameOf(props.session)}`}
      about="The connection ends at once. Most clients connect again by themselves; disable the user, or take the client out of the share, to keep them out."
    >
      <div class="stack">
        <Show when={props.session.openFiles > 0}>
          <Note tone="warn" title={`${plural(props.session.openFiles, 'file is', 'files are')} open`}>
            <p>What was not saved is lost: {props.session.files.map((f) => f.path.split('/').at(-1)).join(', ')}</p>
          </Note>
        </Show>
        <Show when={problem()}>{(p) => <ProblemBox problem={p()} />}</Show>
        <p>
          <Button look="danger" busy={busy()} onClick={() => void end()}>
            Disconnect
          </Button>
        </p>
      </div>
    </Dialog>
  );
};

export const ShareSessions = (): JSX.Element => {
  const sessions = useQuery('share-sessions', nothing, () => trpc.shares.sessions.query(), { topics: ['share'], by: 'id' });
  const timer = setInterval(() => document.hidden || sessions.refetch(), LOOK_MS);
  onCleanup(() => clearInterval(timer));
  const [ending, setEnding] = createSignal<Session | null>(null);
  const all = (): readonly Session[] => sessions.data()?.sessions ?? [];
  const files = createMemo(() => all().flatMap((s) => s.files.map((f) => ({ ...f, who: nameOf(s) }))));
  const notes = createMemo(() => all().filter((s) => s.note !== null));
  return (
    <Page
      title="Shares"
      lead="Who is connected now, what they have open, and how much the box receives from them and sends to them."
      tabs={SHARES_TABS}
    >
      <Answer query={sessions}>
        {(_) => (
          <>
            <Table
              label="Sessions"
              rows={all()}
              empty="Nobody is connected."
              columns={[
                {
                  id: 'u',
                  head: 'Who',
                  cell: (s) => (
                    <Show when={s.user} fallback={<span title="NFS does not say who: each request brings a number">{s.machine}</span>}>
                      {(u) => <strong>{u()}</strong>}
                    </Show>
                  ),
                },
                { id: 'm', head: 'From', wide: true, cell: (s) => <span title={s.address}>{s.machine}</span> },
                {
                  id: 'd',
                  head: 'Speaks',
                  wide: true,
                  wrap: true,
                  cell: (s) => (
                    <>
                      {s.dialect} <Wire session={s} />
                    </>
                  ),
                },
                {
                  id: 'h',
                  head: 'Shares',
                  wrap: true,
                  cell: (s) => s.shares.map((x) => x.share).join(', ') || <span class="dim">none</span>,
                },
                {
                  id: 't',
                  head: 'Since',
                  wide: true,
                  cell: (s) => (
                    <Show when={s.since} fallback={<span class="dim">not told</span>}>
                      {(at) => <Time at={at()} />}
                    </Show>
                  ),
                },
                { id: 'i', head: 'Receives', align: 'end', wide: true, cell: (s) => <Moves session={s} way="received" /> },
                { id: 'o', head: 'Sends', align: 'end', wide: true, cell: (s) => <Moves session={s} way="sent" /> },
                { id: 'f', head: 'Open', align: 'end', wide: true, cell: (s) => <span class="num">{s.openFiles}</span> },
                {
                  id: 'x',
                  head: 'Actions',
                  bare: true,
                  align: 'end',
                  cell: (s) => (
                    <Button
                      look="quiet"
                      why={whyNot('share.write') ?? (s.id.startsWith('nfs3:') ? 'NFS 3 has no sessions that could be ended.' : undefined)}
                      aria-label={`Disconnect ${nameOf(s)}`}
                      onClick={() => setEnding(s)}
                    >
                      Disconnect
                    </Button>
                  ),
                },
              ]}
            />
            <Show when={notes().length > 0}>
              <ul class="notes">
                <For each={notes()}>
                  {(s) => (
                    <li>
                      {s.machine}: {s.note}
                    </li>
                  )}
                </For>
              </ul>
            </Show>
            <Show when={files().length > 0}>
              <Section title="Open files" aside={plural(files().length, 'file')}>
                <Table
                  label="Open files"
                  rows={files()}
                  columns={[
                    { id: 'p', head: 'File', wrap: true, cell: (f) => <span class="mono">{f.path}</span> },
                    { id: 'w', head: 'Who', cell: (f) => f.who },
                    { id: 'a', head: 'For', wide: true, cell: (f) => ACCESS[f.access] },
                  ]}
                />
              </Section>
            </Show>
          </>
        )}
      </Answer>
      <Show when={ending()}>{(s) => <End session={s()} onClose={() => setEnding(null)} onDone={() => sessions.refetch()} />}</Show>
    </Page>
  );
};
