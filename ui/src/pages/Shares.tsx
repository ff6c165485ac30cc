/** What is served to whom, and who is connected now. */
import { A } from '@solidjs/router';
import { createMemo, createSignal, type JSX, Show } from 'solid-js';
import { nothing, useQuery } from '../data/query.ts';
import { whyNot } from '../data/session.ts';
import type { Outputs } from '../data/trpc.ts';
import { trpc } from '../data/trpc.ts';
import { Answer, Button, Empty, Page, Section } from '../parts/basic.tsx';
import { Status } from '../parts/Status.tsx';
import { Table } from '../parts/VirtualTable.tsx';
import { pageOf, plural } from '../parts/words.ts';
import { ChangeDialog } from '../plan/ChangeDialog.tsx';

type Share = Outputs['shares']['list']['shares'][number];

const who = (s: Share['spec']): string => {
  if (s.kind === 'nfs') return s.clients.map((c) => `${c.host} ${c.access === 'ro' ? 'reads' : 'reads and writes'}`).join(', ');
  const people = s.validUsers.length > 0 ? s.validUsers.join(', ') : 'everyone with an account';
  return `${s.guests ? 'guests and ' : ''}${people}${s.readOnly ? `, read only${s.writeUsers.length > 0 ? ` but for ${s.writeUsers.join(', ')}` : ''}` : ''}`;
};

export const Shares = (): JSX.Element => {
  const shares = useQuery('shares', nothing, () => trpc.shares.list.query(), { topics: ['share'] });
  const [removing, setRemoving] = createSignal<Share['spec'] | null>(null);
  const clients = createMemo(() => (shares.data()?.shares ?? []).flatMap((s) => s.clients));
  return (
    <Page title="Shares" lead="What is served to the network.">
      <Answer query={shares}>
        {(_) => (
          <Show
            when={(shares.data()?.shares.length ?? 0) > 0}
            fallback={
              <Empty title="Nothing is shared yet">
                <p>
                  A share offers a dataset to other machines, by SMB or NFS. Declare it in <A href="/changes/state">state.yaml</A>.
                </p>
              </Empty>
            }
          >
            <Table
              label="Shares"
              rows={shares.data()?.shares ?? []}
              columns={[
                { id: 'n', head: 'Name', cell: (s) => <strong>{s.spec.name}</strong> },
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
            <Section title="Connected now" aside={plural(clients().length, 'connection')}>
              <Table
                label="Connections"
                rows={clients()}
                empty="Nobody is connected."
                columns={[
                  { id: 'u', head: 'Who', cell: (c) => c.user },
                  { id: 'm', head: 'Machine', wide: true, cell: (c) => c.machine },
                  { id: 's', head: 'Share', cell: (c) => c.share },
                  { id: 'f', head: 'Open files', align: 'end', cell: (c) => <span class="num">{c.openFiles}</span> },
                ]}
              />
            </Section>
          </Show>
        )}
      </Answer>
      <Show when={removing()}>
        {(s) => (
          <ChangeDialog
            title={`Remove share ${s().name}`}
            about="The dataset and all that is in it stay. Who is connected loses the connection."
            onClose={() => setRemoving(null)}
            changes={() => [{ kind: 'share.remove', share: s().kind, name: s().name }]}
          />
        )}
      </Show>
    </Page>
  );
};
