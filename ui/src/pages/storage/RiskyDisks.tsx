/** Disks that still work and should be replaced, with the reasons, where the way to do it begins. */
import { A } from '@solidjs/router';
import { createMemo, For, type JSX, Show } from 'solid-js';
import type { ObservedPool } from '../../../../control/src/domain/pool/pool.ts';
import { works } from '../../../../control/src/domain/pool/redundancy.ts';
import { nothing, useQuery } from '../../data/query.ts';
import { trpc } from '../../data/trpc.ts';
import { Note } from '../../parts/basic.tsx';
import { plural, shortDisk } from '../../parts/words.ts';
import type { Health } from './health.ts';
import { replacePath } from './PoolActions.tsx';

export const useHealth = () => useQuery('disk-health', nothing, () => trpc.disks.health.query(), { topics: ['pool'], by: 'path' });
const needsWork = (h: Health): boolean => h.word === 'failing' || h.word === 'replace it soon';

/** As people read it: one sentence a reason. */
export const Reasons = (props: {
  of: readonly string[] /** The strongest; how many more there are is said. */;
  most?: number;
}): JSX.Element => {
  const most = (): number => props.most ?? props.of.length;
  return (
    <ul aria-label="Reasons">
      <For each={props.of.slice(0, most())}>{(r) => <li>{`${r.charAt(0).toUpperCase()}${r.slice(1)}.`}</li>}</For>
      <Show when={props.of.length > most()}>
        <li class="dim">And {plural(props.of.length - most(), 'reason')} more on the page of the disk.</li>
      </Show>
    </ul>
  );
};

export const RiskyDisks = (props: { pool: Pick<ObservedPool, 'name' | 'vdevs'> }): JSX.Element => {
  const health = useHealth();
  const risky = createMemo(() => {
    const byPath = new Map((health.data()?.disks ?? []).map((h) => [h.path, h] as const));
    return props.pool.vdevs.flatMap((v) =>
      v.disks.flatMap((d) => {
        const h = byPath.get(d.path.replace(/-part1$/, ''));
        // one that is out of use, or being replaced, is shown as that
        return h && needsWork(h) && works(d.state) && !d.standIns?.length ? [h] : [];
      }),
    );
  });
  return (
    <For each={risky()}>
      {(h) => (
        <Note tone={h.word === 'failing' ? 'bad' : 'warn'} title={`${shortDisk(h.path)}: ${h.word}`}>
          <Reasons of={h.reasons} most={4} />
          <p>
            <A href={replacePath(props.pool.name, h.path)}>Replace it</A>
          </p>
        </Note>
      )}
    </For>
  );
};
