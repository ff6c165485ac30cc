import { chmodSync, mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ask, PASSWORD, type World, world } from './testing/fixture.ts';

let w: World;
afterEach(() => w?.end());

test('local root gets back in: new password, second factor off, new claim code', async () => {
  const folder = join(mkdtempSync(join(tmpdir(), 'dplane-run-')), 'own');
  const socketPath = join(folder, 'dplane.sock');
  w = await world({ localSocket: socketPath });
  const cookie = await w.claim();
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(statSync(socketPath).mode & 0o777).toBe(0o600);
  const local = (method: string, path: string, body?: object) => ask(0, { socketPath, method, path, ...(body && { body }) });
  expect((await local('GET', '/api/recover/users')).json()).toMatchObject({ users: [{ name: 'ada', role: 'admin' }] });
  expect((await local('GET', '/api/overview')).status).toBe(200);

  w.store.access.updateUser(w.store.access.userByName('ada')?.id ?? 0, { disabled: true, totpSecret: 'JBSWY3DPEHPK3PXP' });
  const next = 'copper meadow nineteen';
  expect((await local('POST', '/api/recover/password', { user: 'ada', password: 'short' })).status).toBe(400);
  expect((await local('POST', '/api/recover/password', { user: 'ada', password: next, totpOff: true })).status).toBe(200);
  expect((await w.ask({ path: '/api/session', cookie })).status).toBe(401);
  const login = await w.ask({ method: 'POST', path: '/api/session', body: { user: 'ada', password: next } });
  expect(login.json()).toMatchObject({ state: 'logged-in' });

  const { code } = (await local('POST', '/api/recover/claim-code')).json();
  const claimed = await w.ask({ method: 'POST', path: '/api/claim', body: { code, user: 'eve', password: PASSWORD } });
  expect(claimed.status).toBe(200);
  expect(w.store.access.userByName('eve')?.role).toBe('admin');
  const entries = w.store.audit.page(null, 50).filter((e) => e.action === 'recover');
  expect(entries.map((e) => e.actor.kind)).toEqual(['local-root', 'local-root']);
  // The same address is no way in over the network, not even for an admin.
  const admin =
    (await w.ask({ method: 'POST', path: '/api/session', body: { user: 'eve', password: PASSWORD } })).headers['set-cookie']?.[0]?.split(
      ';',
    )[0] ?? '';
  expect((await w.ask({ method: 'POST', path: '/api/recover/claim-code', cookie: admin })).status).toBe(403);
});

test('a socket in a folder that others can enter is not opened', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dplane-run-'));
  chmodSync(folder, 0o755);
  await expect(world({ localSocket: join(folder, 'dplane.sock') })).rejects.toThrow(/0700/);
});
