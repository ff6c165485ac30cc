/** What every procedure declares, and that exactly those whom the table of roles lets through get through. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Permission, Role, ROLES } from '../domain/user/role.ts';
import { NOT_YET } from './not-yet.ts';
import { procedures } from './rest.ts';
import { ask, PASSWORD, PLAN, type World, world } from './testing/fixture.ts';

const all = procedures();

test('there are procedures, and each declares a permission of the table and what it does', () => {
  expect(all.length).toBeGreaterThan(50);
  for (const p of all) {
    expect(Permission.options, p.path).toContain(p.meta?.permission);
    expect(p.meta.about.length, p.path).toBeGreaterThan(10);
    expect(p.input, `${p.path} takes no unchecked input`).toBeDefined();
  }
});

test('what changes something is a mutation and never a GET; each route is there once', () => {
  const seen = new Set<string>();
  for (const { path, type, meta } of all) {
    if (type === 'subscription') continue;
    expect(meta.rest, path).toBeDefined();
    if (!meta.rest) continue;
    const route = `${meta.rest.method} ${meta.rest.path}`;
    expect(seen, route).not.toContain(route);
    seen.add(route);
    expect(meta.rest.method === 'GET', path).toBe(type === 'query');
    if (/\.write$|^plan\.ap/.test(meta.permission)) expect(type, path).toBe('mutation');
  }
  for (const { methods, path } of NOT_YET) for (const method of methods) expect(seen).not.toContain(`${method} ${path}`);
});

describe('over HTTP', () => {
  let w: World;
  const cookies: Partial<Record<Role, string>> = {};
  beforeAll(async () => {
    w = await world();
    for (const role of Role.options) cookies[role] = await w.person(role);
  });
  afterAll(() => w.end());

  /** An input that gets past the schema where the gate alone should decide; the rest fails after the gate, with another status. */
  const inputs: Record<string, object> = {
    'plans.approve': { digest: PLAN.digest, actionId: PLAN.actions[0]?.id, typed: 'tank/old' },
    'plans.change': { changes: [{ kind: 'pool.scrub', name: 'tank', action: 'start' }] },
    'gitops.saveState': { yaml: 'version: 1', basedOn: null },
    'access.users.create': { name: 'bob', role: 'viewer', password: PASSWORD },
    'access.sessions.revoke': { id: '0'.repeat(16) },
  };
  const skip = new Set([
    'claim.claim',
    'session.login',
    'session.logout',
    'me.changePassword',
    'me.totpBegin',
    'me.totpDisable',
    'me.totpConfirm',
  ]);
  const call = (path: string, type: string, cookie: string | undefined, token?: string) => {
    const input = inputs[path] ?? {};
    const more = { ...(cookie && { cookie }), ...(token && { token }) };
    return type === 'query'
      ? ask(w.port, { path: `/trpc/${path}${path in inputs ? `?input=${encodeURIComponent(JSON.stringify(input))}` : ''}`, ...more })
      : ask(w.port, { method: 'POST', path: `/trpc/${path}`, body: input, ...more });
  };
  const routed = (path: string, meta: (typeof all)[number]['meta'], cookie: string | undefined, token?: string) => {
    const rest = meta.rest;
    if (!rest) throw new Error(`${path} has no route`);
    const to = rest.path
      .replace('/pools/{name}', '/pools/tank')
      .replace('/users/{name}/owned', '/users/anna/owned')
      .replace(/\{name\}/g, 'nobody')
      .replace(/\{digest\}/g, 'a'.repeat(64))
      .replace(/\{id\}/g, '0'.repeat(16));
    return ask(w.port, {
      method: rest.method,
      path: to,
      ...(cookie && { cookie }),
      ...(token && { token }),
      ...(rest.method === 'POST' || rest.method === 'PUT' ? { body: inputs[path] ?? {} } : {}),
    });
  };

  test.each(all.filter((p) => p.type !== 'subscription' && !skip.has(p.path)).map((p) => [p.path, p] as const))(
    '%s',
    async (path, { type, meta }) => {
      for (const role of Role.options) {
        const may = ROLES[role].has(meta.permission) && !meta.local;
        for (const reply of [await call(path, type, cookies[role]), await routed(path, meta, cookies[role])]) {
          if (may) expect([401, 403], `${role} ${reply.text}`).not.toContain(reply.status);
          else expect(reply.status, role).toBe(403);
          expect(reply.status).not.toBe(500);
        }
      }
      for (const reply of [await call(path, type, undefined), await routed(path, meta, undefined)])
        if (meta.permission === 'public') expect(reply.status).toBe(200);
        else if (meta.local) expect(reply.status).toBe(403);
        else expect(reply.status).toBe(401);
      if (meta.permission !== 'self' && meta.permission !== 'public' && !meta.local) {
        // A token of an admin, without just this permission.
        const scopes = Permission.options.filter((p) => p !== meta.permission && p !== 'public');
        const admin = w.store.access.userByName('admin-person');
        const token = `dpt_${randomBytes(32).toString('base64url')}`;
        const { createHash } = await import('node:crypto');
        w.store.access.addToken({
          id: token.slice(4, 16),
          hash: createHash('sha256').update(token).digest('hex'),
          name: 't',
          userId: admin?.id ?? 0,
          scopes,
          createdAt: w.time.now,
          expiresAt: w.time.now + 1000,
          lastUsedAt: null,
        });
        expect((await call(path, type, undefined, token)).status).toBe(403);
        expect((await routed(path, meta, undefined, token)).status).toBe(403);
      }
    },
  );

  test('a change that is refused is written down with its reason, and so is one that is let through', async () => {
    await ask(w.port, { method: 'POST', path: '/api/gitops/apply', cookie: cookies.viewer ?? '', body: { digest: PLAN.digest } });
    const reply = await ask(w.port, {
      method: 'POST',
      path: '/api/gitops/apply',
      cookie: cookies.operator ?? '',
      body: { digest: PLAN.digest },
    });
    expect(reply.status).toBe(423);
    const [allowed, denied] = w.store.audit.page(null, 2);
    expect(denied).toMatchObject({
      action: 'plans.execute',
      outcome: 'denied',
      actor: { name: 'viewer-person' },
      reason: 'without the permission plan.apply',
    });
    expect(allowed).toMatchObject({
      action: 'plans.execute',
      outcome: 'allowed',
      actor: { name: 'operator-person' },
      reason: 'permission plan.apply of role operator',
    });
  });

  test('shares and storage are permissions of their own for a token that plans', async () => {
    const make = async (scopes: string[]) =>
      String(
        (await ask(w.port, { method: 'POST', path: '/api/access/tokens', cookie: cookies.admin ?? '', body: { name: 't', scopes } })).json()
          .token,
      );
    const plan = (token: string, change: object) => ask(w.port, { method: 'POST', path: '/api/plans', token, body: { changes: [change] } });
    const remove = { kind: 'share.remove', share: 'smb', name: 'media' };
    const scrub = { kind: 'pool.scrub', name: 'tank', action: 'start' };
    const shares = await make(['plan.apply', 'share.write']);
    expect([(await plan(shares, remove)).status, (await plan(shares, scrub)).status]).toEqual([200, 403]);
    const storage = await make(['plan.apply', 'storage.write']);
    expect([(await plan(storage, remove)).status, (await plan(storage, scrub)).status]).toEqual([403, 200]);
    expect((await ask(w.port, { method: 'POST', path: '/api/gitops/apply', token: shares, body: { digest: PLAN.digest } })).status).toBe(
      403,
    );
  });

  test.each(NOT_YET.flatMap(({ methods, path }) => methods.map((m) => [m, path] as const)))(
    '%s %s answers that it is not in this version',
    async (method, path) => {
      const reply = await ask(w.port, { method, path: path.replace('{id}', 'x1') });
      expect(reply.status).toBe(501);
      expect(reply.json()).toMatchObject({ code: 'not-implemented', what: expect.stringContaining('not in this version') });
    },
  );

  test('the OpenAPI document has every route, and each of its references leads somewhere', async () => {
    const doc = (await ask(w.port, { path: '/api/openapi.json' })).json() as {
      openapi: string;
      paths: Record<string, Record<string, { parameters?: { name: string }[] }>>;
    }; // as it is built
    expect(doc.openapi).toBe('3.1.0');
    for (const { meta } of all)
      if (meta.rest) expect(doc.paths[meta.rest.path]?.[meta.rest.method.toLowerCase()], meta.rest.path).toBeDefined();
    expect(doc.paths['/api/updates/bundle']?.put).toMatchObject({ 'x-permission': 'system.update' });
    expect(doc.paths['/api/zfs/snapshots']?.get?.parameters?.map((p) => p.name)).toContain('descending');
    const text = JSON.stringify(doc);
    for (const [, ref] of text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      let at: unknown = doc;
      for (const part of (ref ?? '').split('/')) at = (at as Record<string, unknown> | undefined)?.[part]; // walking a document
      expect(at, ref).toBeDefined();
    }
  });

  test('declared answers are what is answered', async () => {
    for (const { path, meta, type, input } of all) {
      if (!meta.answer || type !== 'query' || path === 'plans.get' || path.endsWith('.get') || meta.local) continue;
      // what has to be asked about something particular
      if (input?.safeParse({}).success === false) continue;
      const reply = await routed(path, meta, cookies.admin);
      expect(reply.status, path).toBe(200);
      expect(meta.answer.safeParse(reply.json()).error, path).toBeUndefined();
    }
  });

  test('metrics are for those who may read the system', async () => {
    expect((await ask(w.port, { path: '/metrics' })).status).toBe(401);
    const reply = await ask(w.port, { path: '/metrics', cookie: cookies.viewer ?? '' });
    expect(reply.text).toContain('dplane_pool_online{pool="tank",health="DEGRADED"} 0\n');
    for (const line of reply.text.trimEnd().split('\n'))
      expect(line).toMatch(/^(# (HELP|TYPE) dplane_\w+ .+|dplane_\w+(\{.*\})? -?[0-9.e+-]+)$/);
  });
});
