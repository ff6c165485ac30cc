/** The simulated updater is a machine of its own: whoever looks when, it comes to the same, and a replay of its log as well. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterAll, expect, test } from 'vitest';
import { ApplyProgress, type BundleSource } from '../../domain/bundle/bundle.ts';
import { SlotStatus, UpdateEvent } from '../../domain/slot/slot.ts';
import { OTA_FILES } from '../ota/files.ts';
import { demoModel } from './seeds.ts';
import { simHost } from './sim.ts';

const folder = mkdtempSync(join(tmpdir(), 'dplane-sim-ota-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const o = { timeoutMs: 5_000 };

type Machine = ReturnType<typeof simHost>;
const begin = async (host: Machine, id: string, source: BundleSource): Promise<void> => {
  await host.writeText(OTA_FILES.request, JSON.stringify({ id, source }), 0o600);
  expect((await host.run(['systemctl', 'start', '--no-block', 'dplane-ota-apply.service'], o)).exit).toBe(0);
};
const everything = async (host: Machine): Promise<unknown> => ({
  status: SlotStatus.parse(JSON.parse((await host.readText(OTA_FILES.status)) ?? '')),
  progress: ApplyProgress.nullable().parse(JSON.parse((await host.readText(OTA_FILES.progress)) ?? 'null')),
  history: ((await host.readText(OTA_FILES.history)) ?? '')
    .split('\n')
    .flatMap((l) => (l === '' ? [] : [UpdateEvent.parse(JSON.parse(l))])),
  datasets: host.world.model.datasets,
});

/** A story with an upload, a revert and changes in between; `look` is what somebody watches meanwhile. */
const story = async (log: string, look: (host: Machine) => Promise<unknown>): Promise<{ host: Machine; clock: () => number }> => {
  let now = Date.UTC(2026, 10, 21);
  const clock = (): number => now;
  const host = simHost({ model: demoModel(), log, clock });
  const pass = async (ms: number): Promise<void> => {
    for (let i = 0; i < 10; i += 1) {
      now += ms / 10;
      await look(host);
    }
  };
  await begin(host, 'update-1', { kind: 'url', url: 'https://example.org/dplaneos-0.2.0.bundle' });
  await host.run(['zfs', 'create', 'tank/early'], o);
  await pass(4_000);
  await host.run(['zfs', 'create', 'tank/meanwhile'], o);
  await host.run(['systemctl', 'stop', 'dplane-ota-apply.service'], o);
  const size = 3_000_000;
  await begin(host, 'update-2', { kind: 'upload', size, name: 'dplaneos-0.3.0-broken.bundle' });
  const stream = await host.connect(OTA_FILES.stream);
  for (let i = 0; i < 3; i += 1) {
    stream?.write(Buffer.alloc(1_000_000));
    await pass(1_000);
  }
  if (stream) {
    stream.end();
    await once(stream, 'finish');
  }
  await pass(2_000);
  await host.run(['systemctl', 'reboot', '--no-block'], o);
  await pass(8_000);
  await host.run(['zfs', 'create', 'tank/late'], o);
  return { host, clock };
};

test('who looks changes nothing, and a replay of the log gives the same machine', async () => {
  const watched = await story(join(folder, 'watched'), everything);
  const seen = await everything(watched.host);
  expect(seen).toMatchObject({
    status: { running: 'a', slots: [{ state: 'confirmed' }, { state: 'failed', system: { version: '0.3.0' } }] },
  });
  const alone = await story(join(folder, 'alone'), async () => undefined);
  expect(await everything(alone.host)).toEqual(seen);
  watched.host.close();
  const replayed = simHost({ model: demoModel(), log: join(folder, 'watched'), clock: watched.clock });
  expect(await everything(replayed)).toEqual(seen);
});
