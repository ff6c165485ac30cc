/** One share: whether it is served, to whom, with which options, and who is connected. */
import { A, useParams } from '@solidjs/router';
import { createMemo, createSignal, For, type JSX, lazy, Show, Suspense } from 'solid-js';
import { ENCRYPT_WORDS, PRESET_WORDS, SIGN_WORDS } from '../../../../control/src/domain/share/words.ts';
import { nothing, useQuery } from '../../data/query.ts';
import { whyNot } from '../../data/session.ts';
import { trpc } from '../../data/trpc.ts';
import { Answer, Button, Empty, Note, Page, Section } from '../../parts/basic.tsx';
import { Status } from '../../parts/Status.tsx';
import { Table } from '../../parts/VirtualTable.tsx';
import { pageOf, plural } from '../../parts/words.ts';
import { ForClients } from './ForClients.tsx';
import { Permissions } from './Permissions.tsx';
import { RemoveShare } from './RemoveShare.tsx';
import { type ObservedShare, who } from './who.ts';

const ShareForm = lazy(() => import('./ShareForm.tsx').then((m) => ({ default: m.ShareForm })));

/** Every option by its name in `state.yaml`, so that the file and the page can be read side by side. */
const optionsOf = (s: ObservedShare['spec']): [string, string][] => {
  const yes = (v: boolean): string => (v ? 'yes' : 'no');
  if (s.kind === 'nfs')
    return s.clients.map((c) => [
      c.host,
      [c.access === 'ro' ? 'reads' : 'reads and writes', `squash ${c.squash}`, c.sync ? 'sync' : 'async'].join(', '),
    ]);
  return [
    ['preset', PRESET_WORDS[s.preset]],
    ['readOnly', yes(s.readOnly)],
    ['guests', yes(s.guests)],
    ['browseable', yes(s.browseable)],
    ['previousVersions', yes(s.previousVersions)],
    ['encrypt', `${s.encrypt}: ${ENCRYPT_WORDS[s.encrypt]}`],
    ['sign', `${s.sign}: ${SIGN_WORDS[s.sign]}`],
    ...(s.preset === 'time-machine' ? ([['maxSize', s.maxSize || 'all the space there is']] as [string, string][]) : []),
    ['validUsers', s.validUsers.join(', ') || 'everyone with an account'],
    ['writeUsers', s.writeUsers.join(', ') || 'none'],
  ];
};

export const Share = (): JSX.Element => {
  const params = useParams<{ kind: string; name: string }>();
  const name = (): string => decodeURIComponent(params.name);
  const shares = useQuery('shares', nothing, () => trpc.shares.list.query(), { topics: ['share'] });
  /** SMB names are one name whatever their case. */
  const share = createMemo(() =>
    shares
      .data()
      ?.shares.find(
        (s) =>
          s.spec.kind === params.kind &&
          (s.spec.name === name() || (s.spec.kind === 'smb' && s.spec.name.toLowerCase() === name().toLowerCase())),
      ),
  );
  const [doing, setDoing] = createSignal<'change' | 'remove' | null>(null);
  const stop = (): void => void setDoing(null);
  return (
    <Page
      title={share()?.spec.name ?? name()}
      crumbs={[{ href: '/shares', label: 'Shares' }]}
      actions={
        <>
          <Button why={whyNot('share.write') ?? (share() ? undefined : 'It is not there.')} onClick={() => setDoing('change')}>
            Change
          </Button>
          <Button
            look="danger"
            why={whyNot('share.write') ?? (share() ? undefined : 'It is not there.')}
            onClick={() => setDoing('remove')}
          >
            Remove
          </Button>
        </>
      }
    >
      <Answer query={shares}>
        {(_) => (
          <Show
            when={share()}
            fallback={
              <Empty title={`There is no share ${name()}`}>
                <p>
                  It was not there at the last look. <A href="/shares">All shares</A>
                </p>
              </Empty>
            }
          >
            {(s) => (
              <>
                <Note
                  tone={s().serving ? 'ok' : 'warn'}
                  title={<Status tone={s().serving ? 'ok' : 'warn'}>{s().serving ? 'served' : 'not served'}</Status>}
                >
                  <p>{s().serving ? `${who(s().spec)}.` : (s().note ?? 'No reason is known.')}</p>
                </Note>
                <dl class="facts">
                  <div>
                    <dt>Kind</dt>
                    <dd>{s().spec.kind.toUpperCase()}</dd>
                  </div>
                  <div>
                    <dt>Dataset</dt>
                    <dd>
                      <A href={pageOf(`dataset:${s().spec.dataset}`) ?? '/'}>{s().spec.dataset}</A>
                    </dd>
                  </div>
                  <div>
                    <dt>Folder in it</dt>
                    <dd>{s().spec.folder || 'all of it'}</dd>
                  </div>
                  <div>
                    <dt>Comment</dt>
                    <dd>{s().spec.comment || 'none'}</dd>
                  </div>
                </dl>
                <Section title="Connected now" aside={plural(s().clients.length, 'connection')}>
                  <Table
                    label="Connections"
                    rows={s().clients}
                    empty="Nobody is connected."
                    columns={[
                      { id: 'u', head: 'Who', cell: (c) => c.user || <span class="dim">whoever is at it</span> },
                      { id: 'm', head: 'Machine', cell: (c) => c.machine },
                      { id: 'f', head: 'Open files', align: 'end', cell: (c) => <span class="num">{c.openFiles}</span> },
                    ]}
                  />
                </Section>
                <ForClients share={s()} />
                <Permissions dataset={s().spec.dataset} />
                <Section title={s().spec.kind === 'nfs' ? 'Who may mount it' : 'Options'}>
                  <dl class="facts">
                    <For each={optionsOf(s().spec)}>
                      {([k, v]) => (
                        <div>
                          <dt>{k}</dt>
                          <dd>{v}</dd>
                        </div>
                      )}
                    </For>
                  </dl>
                </Section>
              </>
            )}
          </Show>
        )}
      </Answer>
      <Suspense>
        <Show when={doing() === 'change' && share()}>{(s) => <ShareForm share={s().spec} onClose={stop} />}</Show>
      </Suspense>
      <Show when={doing() === 'remove'}>
        <RemoveShare share={{ kind: params.kind === 'nfs' ? 'nfs' : 'smb', name: share()?.spec.name ?? name() }} onClose={stop} />
      </Show>
    </Page>
  );
};
