import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PASSWORD, type World, world } from './testing/fixture.ts';

let w: World;
beforeAll(async () => {
  w = await world();
});
afterAll(() => w.end());

test('health is answered to anybody, marked as simulated', async () => {
  const r = await w.ask({ path: '/health' });
  expect(r.status).toBe(200);
  expect(r.json()).toEqual({ status: 'ok', simulated: true });
  expect(r.headers['x-dplane-simulated']).toBe('1');
});

test('the box is claimed once with its code, and the session then works', async () => {
  expect((await w.ask({ path: '/api/claim' })).json()).toMatchObject({ claimed: false, codeWaiting: true });
  expect(statSync(join(w.folder, 'claim-code')).mode & 0o777).toBe(0o600);
  const cookie = await w.claim();
  expect(cookie).toMatch(/^dplane=/);
  const me = await w.ask({ path: '/api/session', cookie });
  expect(me.json()).toMatchObject({ kind: 'session', user: { name: 'ada', role: 'admin' } });
  expect((await w.ask({ path: '/api/overview', cookie })).json()).toMatchObject({
    simulated: true,
    pools: [{ name: 'tank', meaning: expect.stringContaining('the next failure loses it') }],
  });
  expect((await w.ask({ path: '/api/zfs/datasets?under=tank/media', cookie })).json()).toMatchObject({ total: 2 });
  expect((await w.ask({ path: '/api/zfs/datasets/tank%2Fmedia', cookie })).json()).toMatchObject({ dataset: { name: 'tank/media' } });
  const again = await w.ask({ method: 'POST', path: '/api/session', body: { user: 'ada', password: PASSWORD } });
  expect(again.status).toBe(200);
});
