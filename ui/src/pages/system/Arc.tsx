/** The memory of ZFS's cache: how much it takes and may take, why so much, how many reads it answers; and another limit for who knows better. */
import { createSignal, For, type JSX, onCleanup, Show } from 'solid-js';
import { formatBytes } from '../../../../control/src/domain/units.ts';
import { nothing, useQuery } from '../../data/query.ts';
import { whyNot } from '../../data/session.ts';
import { trpc } from '../../data/trpc.ts';
import { SelectField, TextField } from '../../forms/Field.tsx';
import { Answer, Button, Meter, Note, Section } from '../../parts/basic.tsx';
import { ChangeDialog } from '../../plan/ChangeDialog.tsx';

const LOOK = 5_000;
const SIZE = /^[0-9]+(\.[0-9]+)?[MGT]$/;
const share = (ratio: number | null | undefined): string => (ratio == null ? 'no reads yet' : `${(ratio * 100).toFixed(1)}%`);

export const Arc = (): JSX.Element => {
  const query = useQuery('arc', nothing, () => trpc.system.arc.query(), { topics: ['system'], by: 'what' });
  const timer = setInterval(() => {
    if (!document.hidden) query.refetch();
  }, LOOK);
  onCleanup(() => clearInterval(timer));
  const [open, setOpen] = createSignal(false);
  const [how, setHow] = createSignal<'auto' | 'own'>('auto');
  const [size, setSize] = createSignal('');
  const [wrong, setWrong] = createSignal<string | undefined>(undefined);
  const a = () => query.data() as NonNullable<ReturnType<typeof query.data>>; // shown only when there is one
  const edit = (): void => {
    const { chosen, limit } = a();
    setHow(chosen === null ? 'auto' : 'own');
    setSize(`${Math.round((chosen ?? limit) / 1024 ** 2)}M`);
    setWrong(undefined);
    setOpen(true);
  };
  const close = (): void => {
    setOpen(false);
    query.refetch();
  };
  return (
    <Section
      title="Memory for ZFS's cache"
      aside={
        <Button
          look="quiet"
          why={whyNot('storage.write') ?? query.data()?.whyNot ?? (query.data() ? undefined : 'Still asking the box.')}
          onClick={edit}
        >
          Change
        </Button>
      }
    >
      <Answer query={query}>
        {(_) => (
          <Show
            when={a().whyNot === null}
            fallback={
              <Note tone="warn" title="ZFS's cache can't be read">
                <p>{a().whyNot}</p>
              </Note>
            }
          >
            <div class="stack">
              <Meter
                label="Memory that ZFS's cache takes of what it may take"
                value={a().size}
                of={a().limit}
                warn={1.01}
                text={`${formatBytes(a().size)} of ${formatBytes(a().limit)}`}
              />
              <dl class="facts roomy">
                <div>
                  <dt>Takes now</dt>
                  <dd>{formatBytes(a().size)}</dd>
                </div>
                <div>
                  <dt>May take</dt>
                  <dd>
                    {formatBytes(a().limit)}{' '}
                    <small>{a().chosen === null ? 'automatic' : `chosen; automatic would be ${formatBytes(a().advised)}`}</small>
                  </dd>
                </div>
                <div>
                  <dt>Reads it answers</dt>
                  <dd class="num">
                    {share(a().ratio)} <small>{a().ratioNow === null ? 'since the start' : `${share(a().ratioNow)} of late`}</small>
                  </dd>
                </div>
                <div>
                  <dt>Memory</dt>
                  <dd>
                    {formatBytes(a().memory)}{' '}
                    <small>{a().ecc === null ? 'ECC unknown' : a().ecc ? 'corrects errors (ECC)' : 'without ECC'}</small>
                  </dd>
                </div>
              </dl>
              <p class="dim">{a().words}</p>
            </div>
          </Show>
        )}
      </Answer>
      <Show when={open()}>
        <ChangeDialog
          title="How much memory ZFS's cache may take"
          about="In force at once, and again after each start. What the cache holds is only a copy: a smaller one is slower, never less safe."
          onClose={close}
          onWrong={() => setWrong('A size such as 2048M or 4G is needed.')}
          changes={() =>
            how() === 'auto' ? [{ kind: 'memory.arc', limit: 'auto' }] : SIZE.test(size()) ? [{ kind: 'memory.arc', limit: size() }] : null
          }
        >
          <SelectField
            label="Limit"
            value={how()}
            onChange={(v) => setHow(v === 'own' ? 'own' : 'auto')}
            choices={[
              { value: 'auto', label: `Automatic (${formatBytes(a().advised)} now)` },
              { value: 'own', label: 'A size of my own' },
            ]}
          />
          <Show when={how() === 'own'}>
            <TextField
              label="Size"
              value={size()}
              onInput={(v) => {
                setSize(v.trim().toUpperCase());
                setWrong(undefined);
              }}
              problem={wrong()}
              help={`From ${formatBytes(a().bounds.least)} to ${formatBytes(a().bounds.most)}.`}
            />
          </Show>
          <Show when={how() === 'auto'}>
            <ul class="plain-list" aria-label="What is kept for the rest">
              <For each={a().kept}>
                {(k) => (
                  <li>
                    {formatBytes(k.bytes)} for {k.what}
                  </li>
                )}
              </For>
            </ul>
          </Show>
        </ChangeDialog>
      </Show>
    </Section>
  );
};
