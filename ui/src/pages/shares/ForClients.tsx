/** What clients get of a share: how to reach it, and the Previous Versions they are offered. */
import { A } from '@solidjs/router';
import { createMemo, For, type JSX, Show } from 'solid-js';
import { previousVersionAt, waysTo } from '../../../../control/src/domain/share/words.ts';
import { useQuery } from '../../data/query.ts';
import { trpc } from '../../data/trpc.ts';
import { Copy, Section, Time } from '../../parts/basic.tsx';
import { plural } from '../../parts/words.ts';
import type { ObservedShare } from './who.ts';
import '../../style/shares.css';

const SHOWN = 12;

const Versions = (props: { dataset: string }): JSX.Element => {
  const snapshots = useQuery(
    'previous-versions',
    () => ({ dataset: props.dataset, text: 'GMT-', sort: 'createdAt' as const, descending: true, limit: 1000 }),
    (input) => trpc.snapshots.list.query(input),
    { topics: ['snapshot'] },
  );
  const versions = createMemo(() => (snapshots.data()?.rows ?? []).flatMap((s) => previousVersionAt(s.tag) ?? []));
  return (
    <Section title="Previous Versions" aside={plural(versions().length, 'version')}>
      <Show
        when={versions().length > 0}
        fallback={
          <p class="dim">
            None yet. A <A href="/protection/schedules">schedule</A> of {props.dataset} makes them.
          </p>
        }
      >
        <p class="dim">As Windows lists them for a file or folder that was there at that time; a Mac or smbclient can open them, too.</p>
        <ul class="versions">
          <For each={versions().slice(0, SHOWN)}>
            {(at) => (
              <li>
                <Time at={at} exact />
              </li>
            )}
          </For>
        </ul>
        <Show when={versions().length > SHOWN}>
          <p class="dim">and {plural(versions().length - SHOWN, 'older one')}.</p>
        </Show>
      </Show>
    </Section>
  );
};

export const ForClients = (props: { share: ObservedShare }): JSX.Element => {
  const ways = createMemo(() => waysTo(props.share.spec, window.location.hostname, props.share.path ?? null));
  return (
    <>
      <Section title="How to connect">
        <Show when={ways().length > 0} fallback={<p class="dim">When it is served, the way to it stands here.</p>}>
          <dl class="ways">
            <For each={ways()}>
              {(w) => (
                <div>
                  <dt>{w.client}</dt>
                  <dd>
                    <Copy text={w.text} label={`the way from ${w.client}`}>
                      <code>{w.text}</code>
                    </Copy>
                    <span class="dim">{w.how}</span>
                  </dd>
                </div>
              )}
            </For>
          </dl>
        </Show>
      </Section>
      <Show when={props.share.spec.kind === 'smb' && props.share.spec.previousVersions && props.share.spec.dataset}>
        {(dataset) => <Versions dataset={dataset()} />}
      </Show>
    </>
  );
};
