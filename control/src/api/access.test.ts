import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Store } from '../store/types.ts';
import { codeAt, fromBase32, STEP_MS } from './access/totp.ts';
import { cookieOf, PASSWORD, type World, world } from './testing/fixture.ts';

let w: World;
afterEach(() => w.end());

const login = (body: object, headers = {}) => w.ask({ method: 'POST', path: '/api/session', body, headers });

test('a claim code works once, in any spelling, and leaves nothing behind', async () => {
  w = await world();
  const code = w.api.claimCode ?? '';
  expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{5}-){3}[0-9A-HJKMNP-TV-Z]{5}$/);
  expect(readFileSync(join(w.folder, 'claim-code'), 'utf8').trim()).toBe(code);
  expect(readFileSync(join(w.folder, 'claim-code.issue'), 'utf8')).toContain(`Claim code: ${code} `);
  expect(w.store.settings.get('claim.hash')).not.toContain(code);
  const wrong = await w.ask({
    method: 'POST',
    path: '/api/claim',
    body: { code: '00000-00000-00000-00000', user: 'eve', password: PASSWORD },
  });
  expect(wrong.status).toBe(401);
  const spelled = code.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l');
  const right = await w.ask({ method: 'POST', path: '/api/claim', body: { code: spelled, user: 'ada', password: PASSWORD } });
  expect(right.status).toBe(200);
  for (const file of ['claim-code', 'claim-code.issue']) expect(existsSync(join(w.folder, file))).toBe(false);
  const replay = await w.ask({ method: 'POST', path: '/api/claim', body: { code, user: 'eve', password: PASSWORD } });
  expect(replay.status).toBe(401);
  expect(w.store.access.users().map((u) => u.name)).toEqual(['ada']);
  expect(
    w.store.audit
      .page(null, 20)
      .filter((e) => e.action === 'claim')
      .map((e) => e.outcome),
  ).toEqual(['denied', 'allowed', 'denied']);
});

test('two claims at the same moment make one admin', async () => {
  w = await world();
  const claim = (user: string) =>
    w.ask({ method: 'POST', path: '/api/claim', body: { code: w.api.claimCode ?? '', user, password: PASSWORD } });
  const replies = await Promise.all([claim('ada'), claim('eve')]);
  expect(replies.map((r) => r.status).sort()).toEqual([200, 409]);
  expect(w.store.access.users()).toHaveLength(1);
});

test('claim codes cannot be tried without end', async () => {
  w = await world();
  const statuses: number[] = [];
  for (let i = 0; i < 8; i += 1)
    statuses.push(
      (await w.ask({ method: 'POST', path: '/api/claim', body: { code: `00000-00000-00000-0000${i}`, user: 'eve', password: PASSWORD } }))
        .status,
    );
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
});

test('weak passwords are refused with the reason', async () => {
  w = await world();
  const r = await w.ask({
    method: 'POST',
    path: '/api/claim',
    body: { code: w.api.claimCode ?? '', user: 'ada', password: 'ada is the best of all' },
  });
  expect(r.status).toBe(400);
  expect(r.json().why).toContain('contains the user name');
  expect(w.store.access.users()).toHaveLength(0);
});

test('a wrong name and a wrong password are answered alike, and logged without either', async () => {
  w = await world();
  await w.claim();
  const a = await login({ user: 'ada', password: 'not this one, surely' });
  const b = await login({ user: 'nobody-here', password: 'not this one, surely' });
  expect(a.status).toBe(401);
  expect(b.status).toBe(401);
  expect(a.text).toBe(b.text);
  expect(JSON.stringify(w.store.audit.page(null, 50)) + w.logs.join()).not.toContain('not this one');
});

test('logins are slowed by address and account, and say for how long', async () => {
  w = await world();
  await w.claim('someone');
  const statuses: number[] = [];
  for (let i = 0; i < 7; i += 1) statuses.push((await login({ user: 'ada', password: 'wrong wrong wrong' })).status);
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
  const slowed = await login({ user: 'ada', password: 'wrong wrong wrong' });
  expect(slowed.headers['retry-after']).toBe('1');
  w.time.now += 1_000;
  expect((await login({ user: 'ada', password: 'wrong wrong wrong' })).status).toBe(401);
  // each request comes from another port: the brake does not care
  expect((await login({ user: 'ada', password: 'wrong wrong wrong' })).status).toBe(429);
});

test('the cookie: HttpOnly, SameSite, and a new session at each login, of which only a hash is kept', async () => {
  w = await world();
  const first = await w.claim();
  const reply = await w.ask({ method: 'POST', path: '/api/session', body: { user: 'ada', password: PASSWORD }, cookie: first });
  expect(reply.headers['set-cookie']?.[0]).toMatch(/^dplane=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
  const second = cookieOf(reply);
  expect(second).not.toBe(first);
  expect((await w.ask({ path: '/api/session', cookie: first })).status).toBe(401);
  expect((await w.ask({ path: '/api/session', cookie: second })).status).toBe(200);
  expect(JSON.stringify(w.store.access.sessions())).not.toContain(second.slice(7));
});

test('sessions end: when idle, at last, at logout', async () => {
  w = await world();
  const hour = 3_600_000;
  let cookie = await w.claim();
  const status = async () => (await w.ask({ path: '/api/session', cookie })).status;
  w.time.now += 11 * hour;
  expect(await status()).toBe(200);
  w.time.now += 12 * hour;
  expect(await status()).toBe(401);
  const again = async () => {
    cookie = cookieOf(await login({ user: 'ada', password: PASSWORD }));
  };
  await again();
  for (let i = 0; i < 7 * 3 - 1; i += 1) {
    w.time.now += 8 * hour;
    expect(await status()).toBe(200);
  }
  w.time.now += 8 * hour;
  expect(await status()).toBe(401);
  await again();
  expect((await w.ask({ method: 'DELETE', path: '/api/session', cookie })).status).toBe(200);
  expect(await status()).toBe(401);
});

test('a session is touched at most once a minute', async () => {
  let touched = 0;
  w = await world({}, (store) => ({
    ...store,
    access: {
      ...store.access,
      touchSession: (id, at) => {
        touched += 1;
        store.access.touchSession(id, at);
      },
    },
  }));
  const cookie = await w.claim();
  for (let i = 0; i < 10; i += 1) {
    w.time.now += 20_000;
    await w.ask({ path: '/api/session', cookie });
  }
  expect(touched).toBe(3);
});

test('forged and foreign cookies are nobody', async () => {
  w = await world();
  const cookie = await w.claim();
  for (const forged of [
    'dplane=',
    'dplane=x',
    `dplane=${'A'.repeat(43)}`,
    `${cookie}x`,
    cookie.slice(0, -1),
    'dplane=../../etc/passwd',
    "dplane=' OR 1=1 --",
    `__Host-${cookie}`,
    'dplane=%00',
    cookie.toUpperCase(),
  ])
    expect((await w.ask({ path: '/api/session', cookie: forged })).status, forged).toBe(401);
});

test('when the store does not answer, nobody is let in', async () => {
  let broken = false;
  const fail = (): never => {
    throw Object.assign(new Error('disk I/O error at /secret/path'), { code: 'SQLITE_IOERR' });
  };
  w = await world(
    {},
    (store): Store => ({
      ...store,
      access: {
        ...store.access,
        session: (id) => (broken ? fail() : store.access.session(id)),
        tokenByHash: (h) => (broken ? fail() : store.access.tokenByHash(h)),
      },
    }),
  );
  await w.claim();
  const fresh = cookieOf(await login({ user: 'ada', password: PASSWORD })); // never looked up, so not remembered
  broken = true;
  const r = await w.ask({ path: '/api/session', cookie: fresh });
  expect(r.status).toBe(503);
  expect(r.text).not.toContain('secret');
  expect((await w.ask({ path: '/api/overview', token: `dpt_${'A'.repeat(43)}` })).status).toBe(503);
});

test('a change that cannot be written to the audit log does not happen', async () => {
  let broken = false;
  w = await world(
    {},
    (store): Store => ({
      ...store,
      audit: {
        ...store.audit,
        append: (e) => {
          if (broken) throw Object.assign(new Error('full'), { code: 'SQLITE_FULL' });
          return store.audit.append(e);
        },
      },
    }),
  );
  const cookie = await w.claim();
  broken = true;
  expect(
    (await w.ask({ method: 'POST', path: '/api/access/users', cookie, body: { name: 'bob', role: 'viewer', password: PASSWORD } })).status,
  ).toBe(503);
  expect((await w.ask({ method: 'PUT', path: '/api/gitops/state', cookie, body: { yaml: 'version: 1', basedOn: null } })).status).toBe(503);
  expect(w.store.access.userByName('bob')).toBeNull();
  expect(w.store.states.latest()).toBeNull();
});

test('second factor: set up, needed, each code once, recovery codes once', async () => {
  w = await world();
  let cookie = await w.claim();
  const begun = (await w.ask({ method: 'POST', path: '/api/me/totp', cookie, body: { password: PASSWORD } })).json();
  const secret = fromBase32(String(begun.secret));
  expect(begun.uri).toContain(`secret=${begun.secret}`);
  const code = () => codeAt(secret, Math.floor(w.time.now / STEP_MS));
  expect((await w.ask({ method: 'POST', path: '/api/me/totp/confirm', cookie, body: { code: '000000' } })).status).toBe(400);
  const confirmed = (await w.ask({ method: 'POST', path: '/api/me/totp/confirm', cookie, body: { code: code() } })).json();
  const codes = confirmed.recoveryCodes as string[]; // as the procedure returns them
  expect(new Set(codes).size).toBe(10);
  expect(JSON.stringify(w.store.access.users())).not.toContain(codes[0]);

  expect((await login({ user: 'ada', password: PASSWORD })).json()).toEqual({ state: 'totp-needed' });
  expect((await login({ user: 'ada', password: PASSWORD, totp: code() })).status).toBe(401); // used for confirming
  w.time.now += STEP_MS;
  const used = code();
  expect((await login({ user: 'ada', password: PASSWORD, totp: used })).json()).toMatchObject({ state: 'logged-in' });
  expect((await login({ user: 'ada', password: PASSWORD, totp: used })).status).toBe(401);
  expect((await login({ user: 'ada', password: PASSWORD, totp: codes[3]?.toLowerCase() })).json()).toMatchObject({ state: 'logged-in' });
  expect((await login({ user: 'ada', password: PASSWORD, totp: codes[3] })).status).toBe(401);
  w.time.now += 3_600_000;
  cookie = cookieOf(await login({ user: 'ada', password: PASSWORD, totp: code() }));
  expect((await w.ask({ method: 'POST', path: '/api/me/totp/disable', cookie, body: { password: PASSWORD } })).status).toBe(200);
  expect((await login({ user: 'ada', password: PASSWORD })).json()).toMatchObject({ state: 'logged-in' });
});

test('codes of a second factor cannot be tried without end', async () => {
  w = await world();
  await w.claim();
  const row = w.store.access.userByName('ada');
  w.store.access.updateUser(row?.id ?? 0, { totpSecret: 'JBSWY3DPEHPK3PXP' });
  // From a new address each time, so that only the account's own brakes act: that of passwords stops at 30 s, this one does not.
  let longest = 0;
  for (let i = 0; i < 40 && longest <= 30; i += 1) {
    const body = { user: 'ada', password: PASSWORD, totp: String(i).padStart(6, '0') };
    const reply = await w.ask({ method: 'POST', path: '/api/session', body, from: `127.0.1.${i + 1}` });
    expect([401, 429]).toContain(reply.status);
    longest = Number(reply.headers['retry-after'] ?? 0);
    w.time.now += longest * 1_000;
  }
  expect(longest).toBeGreaterThan(30);
});

test('a new password ends the other sessions, needs the old one, and takes effect', async () => {
  w = await world();
  const cookie = await w.claim();
  const other = cookieOf(await login({ user: 'ada', password: PASSWORD }));
  const next = 'copper meadow nineteen';
  const change = (current: string) => w.ask({ method: 'POST', path: '/api/me/password', cookie, body: { current, next } });
  expect((await change('wrong wrong wrong')).status).toBe(403);
  expect((await w.ask({ path: '/api/session', cookie: other })).status).toBe(200);
  expect((await change(PASSWORD)).status).toBe(200);
  expect((await w.ask({ path: '/api/session', cookie: other })).status).toBe(401);
  expect((await w.ask({ path: '/api/session', cookie })).status).toBe(200);
  expect((await login({ user: 'ada', password: PASSWORD })).status).toBe(401);
  expect((await login({ user: 'ada', password: next })).status).toBe(200);
});

test('there is always an admin left; who is disabled or demoted feels it at once', async () => {
  w = await world();
  const ada = await w.claim();
  const put = (name: string, body: object) => w.ask({ method: 'PUT', path: `/api/access/users/${name}`, cookie: ada, body });
  expect((await put('ada', { role: 'viewer' })).status).toBe(409);
  expect((await put('ada', { disabled: true })).status).toBe(409);
  expect((await w.ask({ method: 'DELETE', path: '/api/access/users/ada', cookie: ada })).status).toBe(409);
  const bob = await w.person('operator', 'bob');
  expect(
    (await w.ask({ method: 'POST', path: '/api/plans', cookie: bob, body: { changes: [{ kind: 'dataset.destroy', name: 'tank/old' }] } }))
      .status,
  ).toBe(200);
  expect((await put('bob', { role: 'viewer' })).status).toBe(200);
  expect(
    (await w.ask({ method: 'POST', path: '/api/plans', cookie: bob, body: { changes: [{ kind: 'dataset.destroy', name: 'tank/old' }] } }))
      .status,
  ).toBe(403);
  expect((await put('bob', { disabled: true })).status).toBe(200);
  expect((await w.ask({ path: '/api/session', cookie: bob })).status).toBe(401);
  expect((await login({ user: 'bob', password: PASSWORD })).status).toBe(401);
  // Being enabled again does not bring old sessions back.
  expect((await put('bob', { disabled: false })).status).toBe(200);
  expect((await w.ask({ path: '/api/session', cookie: bob })).status).toBe(401);
  expect((await w.ask({ method: 'DELETE', path: '/api/access/users/bob', cookie: ada })).status).toBe(200);
  expect((await put('bob', { role: 'viewer' })).status).toBe(404);
});

test('tokens: scoped, expiring, revocable, shown once, never more than their owner may', async () => {
  w = await world();
  const ada = await w.claim();
  const create = async (cookie: string, scopes: string[], days = 30) =>
    w.ask({ method: 'POST', path: '/api/access/tokens', cookie, body: { name: 'script', scopes, days } });
  const made = (await create(ada, ['storage.read'])).json();
  const token = String(made.token);
  expect(token).toMatch(/^dpt_[A-Za-z0-9_-]{43}$/);
  expect(JSON.stringify(w.store.access.tokens())).not.toContain(token);
  const get = async (path: string) => (await w.ask({ path, token })).status;
  expect(await get('/api/zfs/datasets')).toBe(200);
  expect(await get('/api/audit')).toBe(403);
  expect((await w.ask({ path: `/api/zfs/datasets?token=${token}` })).status).toBe(401);
  expect(
    (await w.ask({ method: 'POST', path: '/api/access/tokens', token, body: { name: 'more', scopes: ['storage.read'] } })).status,
  ).toBe(403);
  expect(
    (await w.ask({ method: 'POST', path: '/api/me/password', token, body: { current: PASSWORD, next: 'copper meadow nineteen' } })).status,
  ).toBe(403);
  w.time.now += 30 * 86_400_000;
  expect(await get('/api/zfs/datasets')).toBe(401);

  const fresh = cookieOf(await login({ user: 'ada', password: PASSWORD }));
  expect((await create(fresh, ['storage.read'], 366)).status).toBe(400);
  const second = (await create(fresh, ['audit.read'])).json();
  const useSecond = async () => (await w.ask({ path: '/api/audit', token: String(second.token) })).status;
  expect(await useSecond()).toBe(200);
  expect((await w.ask({ method: 'DELETE', path: `/api/access/tokens/${second.id}`, cookie: fresh })).status).toBe(200);
  expect(await useSecond()).toBe(401);

  const viewer = await w.person('viewer');
  expect((await create(viewer, ['plan.approve'])).status).toBe(403);
  const third = (await create(fresh, ['audit.read', 'storage.read'])).json();
  w.store.access.addUser({
    ...(w.store.access.userByName('ada') as NonNullable<ReturnType<Store['access']['userByName']>>),
    name: 'second-admin',
  }); // ada is there
  expect((await w.ask({ method: 'PUT', path: '/api/access/users/ada', cookie: fresh, body: { role: 'viewer' } })).status).toBe(200);
  expect((await w.ask({ path: '/api/audit', token: String(third.token) })).status).toBe(403); // the role no longer has it
  expect((await w.ask({ path: '/api/zfs/pools', token: String(third.token) })).status).toBe(200);
});

test('sessions are listed without what would open them; others end only what is theirs', async () => {
  w = await world();
  const ada = await w.claim();
  const bob = await w.person('viewer', 'bob');
  const all = (await w.ask({ path: '/api/access/sessions', cookie: ada })).json().sessions as {
    id: string;
    user: string;
    current: boolean;
  }[]; // as declared
  expect(all.map((s) => s.user).sort()).toEqual(['ada', 'bob']);
  expect(JSON.stringify(all)).not.toContain(ada.slice(7));
  expect(((await w.ask({ path: '/api/access/sessions', cookie: bob })).json().sessions as unknown[]).length).toBe(1);
  const adas = all.find((s) => s.user === 'ada')?.id ?? '';
  const bobs = all.find((s) => s.user === 'bob')?.id ?? '';
  expect((await w.ask({ method: 'DELETE', path: `/api/access/sessions/${adas}`, cookie: bob })).status).toBe(404);
  expect((await w.ask({ method: 'DELETE', path: `/api/access/sessions/${bobs}`, cookie: ada })).status).toBe(200);
  expect((await w.ask({ path: '/api/session', cookie: bob })).status).toBe(401);
});
