/** `kill -9` in the middle of a run: nothing twice, nothing lost, everything accounted for. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { asAdmin, type Running, startDemo, temporaryState } from './daemon.ts';

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const c of cleanups.splice(0).reverse()) await c();
});

/** How often the simulated host executed each argv that changes something. */
const executed = (state: string): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const line of readFileSync(join(state, 'simulated-host.log'), 'utf8').split('\n')) {
    if (line === '') continue;
    const entry = JSON.parse(line) as { argv?: string[] };
    const key = (entry.argv ?? []).join(' ');
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
};

type RunView = { id: string; state: string; account: string; steps: { actionId: string; state: string; note: string | null }[] };

const ended = async (call: Running['call'], id: string): Promise<RunView> => {
  for (;;) {
    const { status, body } = await call('GET', `/api/runs/${id}`);
    if (status !== 200) throw new Error(`run: ${status} ${JSON.stringify(body)}`);
    const run = body as unknown as RunView;
    if (run.state !== 'running') return run;
  }
};

const NAMES = Array.from({ length: 12 }, (_, i) => `tank/crash-${String(i).padStart(2, '0')}`);

describe('kill -9 during a run', () => {
  it.each([0, 1, 4, 7, 11])(
    'resumes or stops with an account when killed after %i changes of the host',
    { timeout: 240_000 },
    async (changes) => {
      const state = temporaryState();
      cleanups.push(state.remove);
      let daemon = await startDemo(state.path, { DPLANE_DEMO_LATENCY: '4' });
      cleanups.push(() => daemon.kill('SIGKILL'));
      let call = await asAdmin(daemon);

      const plan = await call('POST', '/api/plans', { changes: NAMES.map((name) => ({ kind: 'dataset.create', dataset: { name } })) });
      expect(plan.status, JSON.stringify(plan.body)).toBe(200);
      const digest = String(plan.body.digest);
      const applied = await call('POST', '/api/gitops/apply', { digest });
      expect(applied.status, JSON.stringify(applied.body)).toBe(200);
      const id = String((applied.body.run as { id: string } | undefined)?.id ?? applied.body.id);

      while ([...executed(state.path).keys()].filter((argv) => argv.startsWith('zfs create')).length < changes) {
        const { body } = await call('GET', `/api/runs/${id}`);
        expect(body.state, 'the run ended before it could be killed').toBe('running');
      }
      await daemon.kill('SIGKILL');

      daemon = await startDemo(state.path, { DPLANE_DEMO_LATENCY: '1' });
      call = await asAdmin(daemon);
      const run = await ended(call, id);

      const { body: listed } = await call('GET', '/api/zfs/datasets?under=tank');
      const there = new Set((listed.datasets as { name: string }[]).map((d) => d.name));
      for (const step of run.steps) {
        const name = step.actionId.replace('dataset.create ', '');
        expect(['done', 'failed', 'skipped', 'unknown']).toContain(step.state);
        if (step.state === 'done') expect(there, `${step.actionId} is said to be done`).toContain(name);
        if (step.state === 'skipped') expect(there, `${step.actionId} is said to be skipped`).not.toContain(name);
      }
      expect(run.steps).toHaveLength(NAMES.length);
      expect(run.account).not.toBe('');

      for (const [argv, times] of executed(state.path)) if (argv.startsWith('zfs create')) expect(times, argv).toBe(1);

      const verdict = await call('GET', '/api/system/audit/verify-chain');
      expect(verdict.body).toMatchObject({ intact: true });
      const { body: events } = await call('GET', '/api/events?limit=1000');
      const seqs = (events.events as { seq: number }[]).map((e) => e.seq).sort((a, b) => a - b);
      expect(seqs).toEqual(seqs.map((_, i) => (seqs[0] ?? 0) + i));

      // and it goes on: planning the rest and applying it leaves nothing to do
      const rest = NAMES.filter((n) => !there.has(n));
      if (rest.length > 0) {
        const again = await call('POST', '/api/plans', { changes: rest.map((name) => ({ kind: 'dataset.create', dataset: { name } })) });
        const second = await call('POST', '/api/gitops/apply', { digest: String(again.body.digest) });
        expect(second.status, JSON.stringify(second.body)).toBe(200);
        const end = await ended(call, String((second.body.run as { id: string } | undefined)?.id ?? second.body.id));
        expect(end.state, end.account).toBe('succeeded');
      }
      await daemon.kill('SIGTERM');
      expect(daemon.process.exitCode).toBe(0);
    },
  );
});
