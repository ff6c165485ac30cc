/** What this is, and how the control plane itself is doing. */
import { A } from '@solidjs/router';
import { createMemo, createSignal, type JSX, onCleanup, Show } from 'solid-js';
import { formatBytes } from '../../../../control/src/domain/units.ts';
import { now } from '../../data/clock.ts';
import { nothing, useQuery } from '../../data/query.ts';
import { trpc } from '../../data/trpc.ts';
import { useUpdates } from '../../data/updates.ts';
import { Answer, Button, Note, Page, Section, Time } from '../../parts/basic.tsx';
import { duration } from '../../parts/words.ts';
import { Arc } from './Arc.tsx';
import { SYSTEM_TABS } from './tabs.ts';
import { standingOf } from './words.ts';

const LOOK = 5_000;

export const System = (): JSX.Element => {
  const info = useQuery('info', nothing, () => trpc.system.info.query(), { topics: ['system'] });
  const health = useQuery('health', nothing, () => trpc.system.resources.query(), { topics: ['system'] });
  const updates = useUpdates();
  const pressing = createMemo(() => {
    const v = updates.data();
    const s = v && standingOf(v, now());
    return s && s.kind !== 'calm' && s.kind !== 'none' ? s : null;
  });
  const timer = setInterval(() => health.refetch(), LOOK);
  onCleanup(() => clearInterval(timer));
  const [clock] = createSignal(Date.now());
  const skew = createMemo(() => Math.abs((info.data()?.now ?? clock()) - clock()));
  const support = (): void => {
    const text = JSON.stringify(
      { info: info.data(), health: health.data(), browser: navigator.userAgent, at: new Date().toISOString() },
      null,
      2,
    );
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
    link.download = 'dplaneos-support.json';
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1_000);
  };
  return (
    <Page
      title="System"
      tabs={SYSTEM_TABS}
      actions={
        <Button why={health.data() ? undefined : 'Still asking the box.'} onClick={support}>
          Save support data
        </Button>
      }
    >
      <Show when={pressing()}>
        {(s) => (
          <Note tone={s().tone} title={s().title}>
            <p>
              <A href="/system/updates">See the updates</A>
            </p>
          </Note>
        )}
      </Show>
      <Section title="About">
        <Answer query={info}>
          {(_) => (
            <dl class="facts">
              <div>
                <dt>Version</dt>
                <dd>
                  {info.data()?.name} {info.data()?.version}
                </dd>
              </div>
              <div>
                <dt>Runs on</dt>
                <dd>
                  {info.data()?.simulated ? 'a simulated host' : 'this machine'} <small>Node {info.data()?.node}</small>
                </dd>
              </div>
              <div>
                <dt>Started</dt>
                <dd>
                  <Time at={info.data()?.startedAt ?? 0} />
                </dd>
              </div>
              <div>
                <dt>Clock</dt>
                <dd>{skew() < 30_000 ? 'agrees with this browser' : `differs by ${duration(skew())}`}</dd>
              </div>
            </dl>
          )}
        </Answer>
      </Section>
      <Arc />
      <Section title="The control plane" aside="Looked at every 5 s">
        <Answer query={health}>
          {(_) => {
            const h = () => health.data() as NonNullable<ReturnType<typeof health.data>>; // shown only when there is one
            return (
              <dl class="facts">
                <div>
                  <dt>Up for</dt>
                  <dd>{duration(h().uptimeMs)}</dd>
                </div>
                <div>
                  <dt>Memory</dt>
                  <dd>
                    {formatBytes(h().memory.resident)} <small>{formatBytes(h().memory.heap)} heap</small>
                  </dd>
                </div>
                <div>
                  <dt>Database</dt>
                  <dd>
                    {formatBytes(h().stateBytes)} <small>schema {h().versions.schema}</small>
                  </dd>
                </div>
                <div>
                  <dt>Events so far</dt>
                  <dd>
                    {h().lastSeq.toLocaleString('en')} <small>{h().followers} following</small>
                  </dd>
                </div>
                <div>
                  <dt>Audit entries</dt>
                  <dd>{h().auditEntries.toLocaleString('en')}</dd>
                </div>
                <div>
                  <dt>Answers kept ready</dt>
                  <dd>{formatBytes(h().answersBytes)}</dd>
                </div>
              </dl>
            );
          }}
        </Answer>
      </Section>
      <Show when={info.data()?.simulated}>
        <p class="dim">Everything on these pages runs against a simulated host: the same commands and formats, no real disk.</p>
      </Show>
    </Page>
  );
};
