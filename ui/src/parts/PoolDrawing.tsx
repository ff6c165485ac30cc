/** A pool as what it is: vdevs, and in each its disks, with what is wrong written on the disk that it is wrong with. */
import { For, type JSX, Show } from 'solid-js';
import type { LayoutVdev } from '../../../control/src/domain/pool/layout.ts';
import type { ObservedPool, ObservedVdev } from '../../../control/src/domain/pool/pool.ts';
import { formatBytes } from '../../../control/src/domain/units.ts';
import { Hint } from './basic.tsx';
import { Tooltip } from '@kobalte/core/tooltip';
import { Shape, toneOfHealth } from './Status.tsx';
import { pageOf, plural, shortDisk } from './words.ts';

type Leaf = ObservedVdev['disks'][number];
const errorsOf = (d: Leaf): number => d.readErrors + d.writeErrors + d.checksumErrors;
const about = (d: Leaf): string =>
  [
    d.path,
    d.state,
    `${d.readErrors} read, ${d.writeErrors} write, ${d.checksumErrors} checksum errors`,
    ...(d.note === undefined ? [] : [d.note]),
  ].join('\n');

const DiskBox = (props: { disk: Leaf }): JSX.Element => (
  <li>
    <Hint text={about(props.disk)}>
      <Tooltip.Trigger as="a" href={pageOf(`disk:${props.disk.path}`) ?? '/storage/disks'} class={`disk ${toneOfHealth(props.disk.state)}`}>
        <Shape tone={errorsOf(props.disk) > 0 && props.disk.state === 'ONLINE' ? 'warn' : toneOfHealth(props.disk.state)} />
        <span class="disk-name">{shortDisk(props.disk.path)}</span>
        <span class="disk-state">
          {props.disk.state === 'ONLINE'
            ? errorsOf(props.disk) > 0
              ? plural(errorsOf(props.disk), 'error')
              : 'online'
            : props.disk.state.toLowerCase()}
        </span>
      </Tooltip.Trigger>
    </Hint>
  </li>
);

const nameOf = (v: ObservedVdev): string => (v.kind === 'stripe' && v.disks.length === 1 ? 'single disk' : v.name);

export const PoolDrawing = (props: { pool: Pick<ObservedPool, 'vdevs'> }): JSX.Element => (
  <ul class="pool-drawing">
    <For each={props.pool.vdevs}>
      {(v) => (
        <li class={`vdev ${toneOfHealth(v.state)}`}>
          <div class="vdev-name">
            <span>{nameOf(v)}</span>
            <Show when={v.role !== 'data'}>
              <span class="tag">{v.role}</span>
            </Show>
            <span class="vdev-state">{v.state === 'ONLINE' ? '' : v.state.toLowerCase()}</span>
          </div>
          <ul class="disks">
            <For each={v.disks}>{(d) => <DiskBox disk={d} />}</For>
          </ul>
        </li>
      )}
    </For>
  </ul>
);

/** The same for what is not made yet: sizes where states would stand. */
export const PlannedPool = (props: { vdevs: readonly LayoutVdev[] }): JSX.Element => (
  <ul class="pool-drawing" aria-label="What it will be made of">
    <For each={props.vdevs}>
      {(v) => (
        <li class="vdev">
          <div class="vdev-name">
            <span>{v.kind === 'stripe' ? plural(v.disks.length, 'single disk') : v.kind}</span>
            <Show when={v.role !== 'data'}>
              <span class="tag">{v.role}</span>
            </Show>
          </div>
          <ul class="disks">
            <For each={v.disks}>
              {(d) => (
                <li class="disk planned">
                  <Shape tone="idle" />
                  <span class="disk-name">{shortDisk(d.path)}</span>
                  <span class="disk-state">{formatBytes(d.size)}</span>
                </li>
              )}
            </For>
          </ul>
        </li>
      )}
    </For>
  </ul>
);
