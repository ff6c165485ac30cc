/** What is served to whom, and who is connected now. */
import { A, useSearchParams } from '@solidjs/router';
import { createMemo, createSignal, type JSX, lazy, Show, Suspense } from 'solid-js';
import { nothing, useQuery } from '../../data/query.ts';
import { whyNot } from '../../data/session.ts';
import { trpc } from '../../data/trpc.ts';
import { Answer, Button, Empty, Page } from '../../parts/basic.tsx';
import { Status } from '../../parts/Status.tsx';
import { Table } from '../../parts/VirtualTable.tsx';
import { pageOf, plural } from '../../parts/words.ts';
import { RemoveShare } from './RemoveShare.tsx';
import { SHARES_TABS } from './tabs.ts';
import { type ObservedShare, who } from './who.ts';

const ShareForm = lazy(() => import('./ShareForm.tsx').then((m) => ({ default: m.ShareForm })));

export const Shares = (): JSX.Element => {
  const shares = useQuery('shares', nothing, () => trpc.shares.list.query(), { topics: ['share'] });
  const [removing, setRemoving] = createSignal<ObservedShare['spec'] | null>(null);
  const [params, setParams] = useSearchParams<{ do?: string; dataset?: string }>();
  const create = (): void => void setParams({ do: 'create' });
  const clients = createMemo(() => (shares.data()?.shares ?? []).flatMap((s) => s.clients));
  return (
    <Page
      title="Shares"
      lead="What is served to the network."
      tabs={SHARES_TABS}
      actions={
        <Button look="main" icon="plus" why={whyNot('share.write')} onClick={create}>
          Create share
        </Button>
      }
    >
      <Answer query={shares}>
        {(_) => (
          <Show
            when={(shares.data()?.shares.length ?? 0) > 0}
            fallback={
              <Empty title="Nothing is shared yet">
                <p>
                  A share offers a dataset to other machines: by SMB to Windows, macOS and phones, by NFS to Linux and virtual machines.
                </p>
                <Button look="main" why={whyNot('share.write')} onClick={create}>
                  Create a share
                </Button>
                <p>
                  Or declare it in <A href="/changes/state">state.yaml</A>.
                </p>
              </Empty>
            }
          >
            <Table
              label="Shares"
              rows={shares.data()?.shares ?? []}
              columns={[
                { id: 'n', head: 'Name', cell: (s) => <A href={pageOf(`share:${s.spec.kind}:${s.spec.name}`) ?? '/'}>{s.spec.name}</A> },
                { id: 'k', head: 'Kind', wide: true, cell: (s) => s.spec.kind.toUpperCase() },
                {
                  id: 's',
                  head: 'State',
                  cell: (s) => <Status tone={s.serving ? 'ok' : 'warn'}>{s.serving ? 'served' : (s.note ?? 'not served')}</Status>,
                },
                { id: 'd', head: 'Dataset', cell: (s) => <A href={pageOf(`dataset:${s.spec.dataset}`) ?? '/'}>{s.spec.dataset}</A> },
                { id: 'w', head: 'For', wrap: true, wide: true, cell: (s) => who(s.spec) },
                { id: 'c', head: 'Connected', align: 'end', wide: true, cell: (s) => <span class="num">{s.clients.length}</span> },
                {
                  id: 'x',
                  head: 'Actions',
                  bare: true,
                  align: 'end',
                  wide: true,
                  cell: (s) => (
                    <Button
                      look="quiet"
                      why={whyNot('share.write')}
                      aria-label={`Remove share ${s.spec.name}`}
                      onClick={() => setRemoving(s.spec)}
                    >
                      Remove
                    </Button>
                  ),
                },
              ]}
            />
            <p class="dim">
              {plural(clients().length, 'connection')} now: <A href="/shares/sessions">who, from where, and what they have open</A>
            </p>
          </Show>
        )}
      </Answer>
      <Suspense>
        <Show when={params.do === 'create'}>
          <ShareForm
            {...(params.dataset !== undefined && { dataset: params.dataset })}
            onClose={() => setParams({ do: undefined, dataset: undefined })}
          />
        </Show>
      </Suspense>
      <Show when={removing()}>{(s) => <RemoveShare share={s()} onClose={() => setRemoving(null)} />}</Show>
    </Page>
  );
};
