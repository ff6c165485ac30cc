/** The two slots, what became of updates and why, and the way to a new one: install, restart into it, keep it or go back. */
import { createSignal, For, type JSX, Show } from 'solid-js';
import type { Slot, Verdict } from '../../../../control/src/domain/slot/slot.ts';
import { now } from '../../data/clock.ts';
import { type Problem, problemOf } from '../../data/problem.ts';
import { useQuery } from '../../data/query.ts';
import { ask, whyNot } from '../../data/session.ts';
import { trpc } from '../../data/trpc.ts';
import { useUpdates } from '../../data/updates.ts';
import { Answer, Button, Note, Page, ProblemBox, Section, Time } from '../../parts/basic.tsx';
import { Status } from '../../parts/Status.tsx';
import { Table } from '../../parts/VirtualTable.tsx';
import { Install, ProgressCard } from './Install.tsx';
import { Restart } from './Restart.tsx';
import { SYSTEM_TABS } from './tabs.ts';
import { eventWords, otherOf, runningOf, slotWords, standingOf } from './words.ts';
import '../../style/system.css';

const CHECK_WORDS: Readonly<Record<Verdict['checks'][number]['name'], string>> = {
  slot: 'The slot is what it says it is',
  persist: 'What persists is there and can be written',
  kernel: 'Kernel and modules',
  zfs: 'ZFS',
  pools: 'Pools',
  'control-plane': 'Control plane',
  shares: 'Shares',
  network: 'Network',
};

const SlotCard = (props: { slot: Slot; children?: JSX.Element }): JSX.Element => (
  <article class="card slot" classList={{ running: props.slot.running }}>
    <header>
      <h2>Slot {props.slot.name}</h2>
      <Show when={props.slot.running}>
        <span class="tag">runs now</span>
      </Show>
      <Show when={props.slot.next}>
        <span class="tag">starts next</span>
      </Show>
    </header>
    <p class="version">{props.slot.system?.version ?? 'nothing'}</p>
    <p>
      <Status tone={slotWords(props.slot).tone}>{slotWords(props.slot).text}</Status>
    </p>
    <Show when={props.slot.system}>
      {(s) => (
        <p class="dim">
          Linux {s().kernel}, ZFS {s().zfs}
        </p>
      )}
    </Show>
    {props.children}
  </article>
);

const Checks = (props: { verdict: Verdict }): JSX.Element => (
  <ul class="checks" aria-label="What is asked of it">
    <For each={props.verdict.checks}>
      {(c) => (
        <li>
          <Status tone={c.ok ? 'ok' : props.verdict.outcome === 'waiting' ? 'busy' : 'bad'}>{CHECK_WORDS[c.name]}</Status>
          <span class="dim">{c.why}</span>
        </li>
      )}
    </For>
  </ul>
);

export const Updates = (): JSX.Element => {
  const updates = useUpdates();
  const history = useQuery(
    'update-history',
    () => ({ limit: 200 }),
    (i) => trpc.updates.history.query(i),
    { topics: ['update'], by: 'at' },
  );
  const [restarting, setRestarting] = createSignal(false);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const [busy, setBusy] = createSignal(false);
  const refetch = (): void => {
    updates.refetch();
    history.refetch();
  };
  const act = async (work: () => Promise<unknown>): Promise<void> => {
    if (busy()) return;
    setBusy(true);
    setProblem(null);
    try {
      await ask(work);
    } catch (error) {
      setProblem(problemOf(error));
    }
    refetch();
    setBusy(false);
  };
  const why = (what: 'rollback' | 'confirm'): string | undefined => {
    const no = updates.data()?.whyNo[what];
    return whyNot('system.update') ?? (no == null ? undefined : `Not now: ${no}.`);
  };
  return (
    <Page
      title="System"
      tabs={SYSTEM_TABS}
      actions={
        <Button
          why={
            whyNot('system.restart') ?? (updates.data()?.whyNo.restart == null ? undefined : `Not now: ${updates.data()?.whyNo.restart}.`)
          }
          onClick={() => setRestarting(true)}
        >
          Restart
        </Button>
      }
    >
      <Answer query={updates}>
        {(_) => {
          const v = () => updates.data() as NonNullable<ReturnType<typeof updates.data>>; // shown only when there is one
          const slots = () => {
            const s = v().slots;
            return s.available ? s : null;
          };
          const standing = () => standingOf(v(), now());
          return (
            <>
              <div role="status">
                <Note tone={standing().tone} title={standing().title}>
                  <p>{standing().meaning}</p>
                  <Show when={standing().kind === 'trial' && slots()?.verdict}>{(verdict) => <Checks verdict={verdict()} />}</Show>
                  <Show when={standing().kind === 'waiting'}>
                    <p>
                      <Button look="main" why={whyNot('system.restart')} onClick={() => setRestarting(true)}>
                        Restart into it
                      </Button>
                    </p>
                  </Show>
                  <Show when={standing().kind === 'trial'}>
                    <p>
                      <Button busy={busy()} why={why('confirm')} onClick={() => void act(() => trpc.updates.confirm.mutate())}>
                        Keep this version
                      </Button>
                    </p>
                  </Show>
                </Note>
              </div>
              <For each={v().problems}>{(p) => <ProblemBox problem={p} />}</For>
              <Show when={problem()}>{(p) => <ProblemBox problem={p()} />}</Show>
              <Show when={slots()}>
                {(s) => (
                  <>
                    <div class="slots">
                      <For each={s().slots}>
                        {(slot) => (
                          <SlotCard slot={slot}>
                            <Show when={!slot.running}>
                              <p>
                                <Button busy={busy()} why={why('rollback')} onClick={() => void act(() => trpc.updates.rollback.mutate())}>
                                  Go back to {otherOf(s()).system?.version ?? 'this slot'}
                                </Button>
                              </p>
                            </Show>
                          </SlotCard>
                        )}
                      </For>
                    </div>
                    <Show when={v().progress}>
                      <ProgressCard view={v()} now={runningOf(s()).system} />
                    </Show>
                    <Show when={!v().running}>
                      <Install view={v()} now={runningOf(s()).system} onBegun={refetch} />
                    </Show>
                    <Section title="What became of updates" aside={`${history.data()?.total ?? 0} in all`}>
                      <Table
                        label="History of updates"
                        rows={history.data()?.events ?? []}
                        empty="No update yet."
                        columns={[
                          { id: 't', head: 'When', cell: (e) => <Time at={e.at} /> },
                          {
                            id: 'k',
                            head: 'What',
                            wrap: true,
                            cell: (e) => <Status tone={eventWords(e).tone}>{eventWords(e).text}</Status>,
                          },
                          { id: 'v', head: 'Version', wide: true, cell: (e) => e.system?.version ?? '' },
                          { id: 's', head: 'Slot', wide: true, cell: (e) => e.slot ?? '' },
                          { id: 'r', head: 'Why', wrap: true, cell: (e) => e.reason },
                        ]}
                      />
                    </Section>
                    <Section title="Keys that may sign an update" aside="Enrolled and revoked by root at the machine, never from here">
                      <Table
                        label="Keys"
                        rows={s().keys}
                        columns={[
                          { id: 'c', head: 'Whose', wrap: true, cell: (k) => k.comment || 'no comment' },
                          { id: 'i', head: 'Key', cell: (k) => <code>{k.id}</code> },
                          {
                            id: 'f',
                            head: 'From',
                            wide: true,
                            cell: (k) => (k.source === 'image' ? 'came with the system' : 'enrolled here'),
                          },
                          {
                            id: 's',
                            head: 'State',
                            cell: (k) => <Status tone={k.revoked ? 'never' : 'ok'}>{k.revoked ? 'revoked' : 'trusted'}</Status>,
                          },
                        ]}
                      />
                    </Section>
                  </>
                )}
              </Show>
            </>
          );
        }}
      </Answer>
      <Show when={restarting()}>
        <Restart
          onClose={() => setRestarting(false)}
          onBegun={() => {
            setRestarting(false);
            refetch();
          }}
        />
      </Show>
    </Page>
  );
};
