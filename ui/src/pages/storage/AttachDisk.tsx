/** A further disk for a mirror, or for a raidz that is to grow: chosen among those that fit. */
import { createMemo, createSignal, type JSX, Show } from 'solid-js';
import { diskLabel } from '../../../../control/src/domain/disk/disk.ts';
import type { ObservedPool } from '../../../../control/src/domain/pool/pool.ts';
import { formatBytes } from '../../../../control/src/domain/units.ts';
import { useQuery } from '../../data/query.ts';
import { trpc } from '../../data/trpc.ts';
import { SelectField } from '../../forms/Field.tsx';
import { Answer } from '../../parts/basic.tsx';
import { shortDisk } from '../../parts/words.ts';
import { ChangeDialog } from '../../plan/ChangeDialog.tsx';

export const AttachDisk = (props: {
  pool: Pick<ObservedPool, 'name'>;
  to: string;
  label: string;
  wider?: boolean;
  onClose: () => void;
}): JSX.Element => {
  const asked = useQuery(
    'candidates',
    () => ({ name: props.pool.name, for: props.to }),
    (i) => trpc.pools.candidates.query(i),
    { topics: ['pool'], by: 'disk' },
  );
  const usable = createMemo(() => (asked.data()?.candidates ?? []).filter((c) => c.refused.length === 0));
  const refused = createMemo(() => (asked.data()?.candidates ?? []).filter((c) => c.refused.length > 0));
  const [chosen, setChosen] = createSignal('');
  const path = () => chosen() || usable()[0]?.disk.path || '';
  const choice = createMemo(() => usable().find((c) => c.disk.path === path()));
  return (
    <ChangeDialog
      title={props.wider ? `Make ${props.label} one disk wider` : `Attach a mirror to ${props.label}`}
      about={
        props.wider
          ? "It grows by one disk. What is stored already keeps its old ratio of data to parity, and the vdev can't be made smaller again."
          : 'The new disk gets a copy of everything that is on it. The pool stays in use.'
      }
      onClose={props.onClose}
      changes={() => {
        const c = choice();
        return c
          ? [{ kind: 'pool.attach', name: props.pool.name, to: props.to, with: c.disk.path, erase: c.erase === null ? [] : [c.disk.path] }]
          : null;
      }}
    >
      <Answer query={asked}>
        {(_) => (
          <Show when={usable().length > 0} fallback={<p class="problem">No disk fits.</p>}>
            <SelectField
              label="Disk"
              value={path()}
              onChange={setChosen}
              choices={usable().map((c) => ({
                value: c.disk.path,
                label: `${shortDisk(c.disk.path)}, ${formatBytes(c.disk.size)}${c.erase === null ? '' : ` (${c.erase}; it would be erased)`}`,
              }))}
            />
          </Show>
        )}
      </Answer>
      <Show when={refused().length > 0}>
        <p class="dim">
          Not offered:{' '}
          {refused()
            .map((c) => `${shortDisk(c.disk.path)} (${c.refused[0]})`)
            .join(', ')}
          .
        </p>
      </Show>
      <Show when={choice()?.erase}>
        <p class="dim">Before {diskLabel(path())} is erased, its name is asked for.</p>
      </Show>
    </ChangeDialog>
  );
};
