/** Pools that lie on the disks of this machine and are not in use: whose they were, what they are made of, and what taking them would mean. */
import { createSignal, For, type JSX, Show } from 'solid-js';
import { nothing, useQuery } from '../../data/query.ts';
import { whyNot } from '../../data/session.ts';
import { type Outputs, trpc } from '../../data/trpc.ts';
import { TextField } from '../../forms/Field.tsx';
import { Answer, Button, Copy, Empty, Page } from '../../parts/basic.tsx';
import { Status, toneOfHealth } from '../../parts/Status.tsx';
import { ChangeDialog } from '../../plan/ChangeDialog.tsx';
import { STORAGE_TABS } from './tabs.ts';
import '../../style/storage.css';

type Found = Outputs['pools']['importable']['pools'][number];
type Wish = { pool: Found; readonly: boolean; force: boolean };

const ImportDialog = (props: { wish: Wish; onClose: () => void }): JSX.Element => {
  const [name, setName] = createSignal(props.wish.pool.name);
  const about = (): string =>
    props.wish.force
      ? `${props.wish.pool.lastHost?.name ?? 'Another machine'} had it last and did not give it up. If it still uses the pool, both destroy it: switch that machine off, or export the pool there.`
      : props.wish.readonly
        ? 'Nothing of it is written: for a look, or to copy what is on it.'
        : 'Its datasets are mounted where they say, but never over the operating system.';
  return (
    <ChangeDialog
      title={`Import ${props.wish.pool.name}${props.wish.readonly ? ' read-only' : ''}`}
      about={about()}
      onClose={props.onClose}
      changes={() => [
        {
          kind: 'pool.import',
          guid: props.wish.pool.guid,
          name: props.wish.pool.name,
          ...(name() === props.wish.pool.name ? {} : { as: name() }),
          readonly: props.wish.readonly,
          force: props.wish.force,
        },
      ]}
    >
      <TextField label="Name here" value={name()} onInput={setName} mono />
    </ChangeDialog>
  );
};

export const ImportPools = (): JSX.Element => {
  const asked = useQuery('importable', nothing, () => trpc.pools.importable.query(), { topics: ['pool'], by: 'guid' });
  const [wish, setWish] = createSignal<Wish | null>(null);
  return (
    <Page
      title="Import a pool"
      crumbs={[{ href: '/storage', label: 'Storage' }]}
      lead="Pools on the disks of this machine that are not in use. Looking reads the label of every disk."
      actions={<Button onClick={() => asked.refetch()}>Look again</Button>}
      tabs={STORAGE_TABS}
    >
      <Answer query={asked} waiting="Reading the labels of all disks …">
        {(_) => (
          <div class="stack">
            <For
              each={asked.data()?.pools}
              fallback={
                <Empty title="No pool to import">
                  <p>Connect the disks of a pool, then look again. Pools in use are not listed.</p>
                </Empty>
              }
            >
              {(p) => (
                <article class="card">
                  <div class="pool-head">
                    <h2>{p.name}</h2>
                    <Status tone={p.importable ? toneOfHealth(p.state) : 'bad'}>{p.state.toLowerCase()}</Status>
                    <Copy text={p.guid} label="the guid">
                      <code>…{p.guid.slice(-8)}</code>
                    </Copy>
                  </div>
                  <Show when={p.lastHost}>
                    {(h) => (
                      <p class={p.foreign ? '' : 'dim'}>
                        Last used by {h().name} <small>hostid {h().id}</small>
                        {p.foreign ? ', which did not give it up.' : '.'}
                      </p>
                    )}
                  </Show>
                  <Show when={p.status}>
                    <p class="dim">{p.status}</p>
                  </Show>
                  <ul class="plain-list">
                    <For each={p.config}>
                      {(c) => (
                        <li style={{ 'padding-inline-start': `${c.depth * 16}px` }}>
                          {c.name}{' '}
                          <span class="dim">
                            {c.state.toLowerCase()} {c.note}
                          </span>
                        </li>
                      )}
                    </For>
                  </ul>
                  <div class="row">
                    <Button
                      look={p.foreign ? 'danger' : 'main'}
                      why={whyNot('storage.write') ?? (p.importable ? undefined : (p.action ?? 'ZFS says that it can not be imported.'))}
                      onClick={() => setWish({ pool: p, readonly: false, force: p.foreign })}
                    >
                      {p.foreign ? 'Import by force …' : 'Import …'}
                    </Button>
                    <Button
                      why={whyNot('storage.write') ?? (p.importable ? undefined : 'ZFS says that it can not be imported.')}
                      onClick={() => setWish({ pool: p, readonly: true, force: p.foreign })}
                    >
                      Look at it read-only …
                    </Button>
                  </div>
                </article>
              )}
            </For>
          </div>
        )}
      </Answer>
      <Show when={wish()}>
        {(w) => (
          <ImportDialog
            wish={w()}
            onClose={() => {
              setWish(null);
              asked.refetch();
            }}
          />
        )}
      </Show>
    </Page>
  );
};
