/** What a pool is at: a scrub, a resilver, an expansion, with how far it is, how fast, and how long it will take. Asked every two seconds, and only while there is work. */
import { createEffect, createSignal, type JSX, onCleanup, Show } from 'solid-js';
import type { ObservedPool } from '../../../../control/src/domain/pool/pool.ts';
import { formatBytes } from '../../../../control/src/domain/units.ts';
import { now } from '../../data/clock.ts';
import { type Outputs, trpc } from '../../data/trpc.ts';
import { Progress, Section } from '../../parts/basic.tsx';
import { duration } from '../../parts/words.ts';
import { leftOf, scanText } from './scan.ts';

type Seen = Outputs['pools']['progress'];
type Work = Pick<ObservedPool, 'scan' | 'expansion' | 'trim'>;
type Pool = Work & Pick<ObservedPool, 'name'>;
const EVERY = 2_000;
const works = (p: Work): boolean =>
  p.scan.state === 'scanning' || p.scan.state === 'paused' || p.expansion?.state === 'running' || p.trim?.state === 'running';

export const PoolWork = (props: { pool: Pool; onEnd?: () => void }): JSX.Element => {
  const [seen, setSeen] = createSignal<Seen | null>(null);
  const latest = (): Work => {
    const s = seen();
    return s && s.name === props.pool.name ? s : props.pool;
  };
  createEffect(() => {
    if (!works(props.pool)) return;
    const { name } = props.pool;
    let asking = false;
    const timer = setInterval(() => {
      if (asking || document.hidden) return;
      asking = true;
      trpc.pools.progress
        .query({ name })
        .then((p) => {
          setSeen(p);
          if (!works(p)) props.onEnd?.();
        })
        // the bar says since when it is old; the connection has a bar of its own
        .catch(() => undefined)
        .finally(() => {
          asking = false;
        });
    }, EVERY);
    onCleanup(() => clearInterval(timer));
  });
  const scan = () => latest().scan;
  const what = () => (scan().kind === 'resilver' ? 'Resilver' : 'Scrub');
  const left = () => leftOf(scan(), seen()?.at ?? now());
  const rate = (): number | null => {
    const s = scan();
    const at = seen()?.at ?? now();
    return s.issued === undefined || s.startedAt === null || at - s.startedAt < 1000 ? null : (s.issued * 1000) / (at - s.startedAt);
  };
  return (
    <>
      <Show when={scan().state === 'scanning' || scan().state === 'paused'}>
        <Section title={what()} aside={scanText(scan())}>
          <Progress label={what()} share={scan().progress} />
          <p class="dim num">
            {left() === null ? 'Too early to say how long it takes.' : `About ${duration(left() ?? 0)} left at this pace.`}
            <Show when={rate()}>
              {(r) => ` ${formatBytes(Math.round(r()))}/s, ${formatBytes(scan().issued ?? 0)} of ${formatBytes(scan().total ?? 0)}.`}
            </Show>
          </p>
        </Section>
      </Show>
      <Show when={latest().trim?.state === 'running' && latest().trim}>
        {(t) => (
          <Section title="Trim" aside={`${(t().progress * 100).toFixed(1)}% done`}>
            <Progress label="Trim" share={t().progress} />
          </Section>
        )}
      </Show>
      <Show when={latest().expansion?.state === 'running' && latest().expansion}>
        {(x) => (
          <Section title="Growing" aside={`${x().vdev}, ${(x().progress * 100).toFixed(1)}% done`}>
            <Progress label="Growing" share={x().progress} />
            <p class="dim">Data is spread over one disk more. The pool stays in use, and is as safe as before.</p>
          </Section>
        )}
      </Show>
    </>
  );
};
