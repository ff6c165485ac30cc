/**
 * Every procedure is given what its schema allows, what it nearly allows, and what an attacker would send, by tRPC and by REST. Whatever
 * comes: no 500, no stack, nothing secret in an answer or in the log.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { procedures } from './rest.ts';
import { PASSWORD, type World, world } from './testing/fixture.ts';

type Json = Record<string, unknown>;
const HOSTILE = [
  '',
  ' ',
  '-o',
  '--',
  '-rf /',
  '../../etc/passwd',
  '..%2f..%2fetc%2fpasswd',
  '\u0000',
  'a\u0000b',
  'a\nb',
  '\r\nSet-Cookie: x=1',
  "' OR 1=1 --",
  '"; DROP TABLE users; --',
  '$(id)',
  '`id`',
  '{{7*7}}',
  '<script>alert(1)</script>',
  '__proto__',
  'constructor',
  'toString',
  '%',
  '%%',
  '%s%n',
  '\uD800',
  '\uFFFE',
  '\u202Eabc',
  'é'.normalize('NFD'),
  'a'.repeat(5_000),
  '1e309',
  'NaN',
  '-1',
  '9'.repeat(30),
  '*',
  'NEAR(',
  'a OR b',
  '"unclosed',
  'null',
  '[]',
  'tank',
  'tank/media',
  'tank@x',
  'f'.repeat(64),
];
const hostile = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...HOSTILE) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
);
const junk: fc.Arbitrary<unknown> = fc.oneof(
  hostile,
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(null, true, -0, 1e308, -1, 0.5, Number.MAX_SAFE_INTEGER, [], {}, [[]], { __proto__: { admin: true } }),
);

/** Mostly what the JSON Schema says, sometimes not. */
const from = (schema: Json): fc.Arbitrary<unknown> => fc.oneof({ weight: 6, arbitrary: right(schema) }, { weight: 1, arbitrary: junk });
const right = (schema: Json): fc.Arbitrary<unknown> => {
  // A JSON Schema document is walked as one; its parts have the types that the standard gives them.
  const any = (schema.anyOf ?? schema.oneOf) as Json[] | undefined;
  if (any) return fc.oneof(...any.map(right));
  if (schema.allOf) return right((schema.allOf as Json[])[0] ?? {});
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...(schema.enum as unknown[]));
  switch (schema.type) {
    case 'object': {
      const properties = (schema.properties ?? {}) as Record<string, Json>;
      const required = new Set((schema.required ?? []) as string[]);
      const whole = fc.record(Object.fromEntries(Object.entries(properties).map(([k, s]) => [k, from(s)])), {
        requiredKeys: [...required],
      });
      return fc.oneof(
        { weight: 8, arbitrary: whole },
        { weight: 1, arbitrary: fc.tuple(whole, hostile, junk).map(([o, k, v]) => ({ ...o, [k]: v })) },
      );
    }
    case 'array':
      return fc.array(from((schema.items ?? {}) as Json), { maxLength: 3, minLength: Math.min(Number(schema.minItems ?? 0), 3) });
    case 'integer':
    case 'number':
      return fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }));
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'string': {
      const pattern =
        typeof schema.pattern === 'string'
          ? [{ weight: 3, arbitrary: fc.stringMatching(new RegExp(schema.pattern, 'u'), { size: '-1' }).map((s) => s.slice(0, 200)) }]
          : [];
      const known = fc.constantFrom('tank', 'tank/media', 'tank/old', 'ada', 'a'.repeat(64), PASSWORD, 'lantern');
      return fc.oneof(...pattern, { weight: 2, arbitrary: known }, { weight: 1, arbitrary: hostile });
    }
    default:
      return junk;
  }
};
const patternsWork = (schema: z.ZodType): Json => {
  // lookaheads and the like are beyond what fast-check can generate from
  const text = JSON.stringify(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }), (key, value: unknown) => {
    if (key !== 'pattern' || typeof value !== 'string') return value;
    try {
      fc.sample(fc.stringMatching(new RegExp(value, 'u'), { size: '-1' }), 1);
      return value;
    } catch {
      return undefined;
    }
  });
  return JSON.parse(text) as Json; // it was an object a moment ago
};

let w: World;
let cookie = '';
const done = new Set<string>();
beforeAll(async () => {
  w = await world();
  cookie = await w.claim();
});
afterAll(() => w.end());

const judge = (status: number, text: string, what: string): void => {
  expect([200, 204, 304, 400, 401, 403, 404, 405, 409, 413, 422, 423, 429, 431, 501, 503], what).toContain(status);
  if (status === 503) expect(text, what).toContain('"busy"'); // too many password checks at once, nothing else
  expect(text, what).not.toMatch(/\n\s+at |\.ts:\d|node_modules|\$argon2|SQLITE|ZodError|TRPCError/);
  for (const secret of [cookie.slice(7), w.store.access.users()[0]?.password ?? 'x'.repeat(9)]) expect(text, what).not.toContain(secret);
};
const runs = Number(process.env.FUZZ_RUNS ?? 20);
/** These hash a password each time: fewer rounds of them. */
const slow = new Set([
  'session.login',
  'claim.claim',
  'me.changePassword',
  'me.totpBegin',
  'me.totpDisable',
  'access.users.create',
  'access.users.update',
]);

test.each(
  procedures()
    .filter((p) => p.type !== 'subscription')
    .map((p) => [p.path, p] as const),
)('%s', async (path, p) => {
  const schema = patternsWork(p.input ?? z.undefined());
  await fc.assert(
    fc.asyncProperty(from(schema), async (input) => {
      if (path === 'session.logout') return;
      if (path === 'access.sessions.revoke' && typeof input === 'object') return; // would end our own
      const text = JSON.stringify(input) ?? 'null';
      const trpc =
        p.type === 'query'
          ? await w.ask({ path: `/trpc/${path}?input=${encodeURIComponent(text.toWellFormed())}`.slice(0, 15_000), cookie })
          : await w.ask({ method: 'POST', path: `/trpc/${path}`, cookie, body: text });
      judge(trpc.status, trpc.text, `${path} ${text}`);
      if (trpc.status === 200) done.add(path);
      const { rest } = p.meta;
      if (!rest) return;
      const fields = typeof input === 'object' && input !== null && !Array.isArray(input) ? Object.entries(input) : [];
      const asText = (v: unknown): string => (typeof v === 'string' ? v : (JSON.stringify(v) ?? '')).toWellFormed();
      const field = (name: string): string => asText(fields.find(([k]) => k === name)?.[1] ?? '');
      const to = rest.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(field(name)));
      const query = fields.map(([k, v]) => `${encodeURIComponent(k.toWellFormed())}=${encodeURIComponent(asText(v))}`).join('&');
      const reply =
        rest.method === 'GET' || rest.method === 'DELETE'
          ? await w.ask({ method: rest.method, path: `${to}?${query}`.slice(0, 15_000), cookie })
          : await w.ask({ method: rest.method, path: to.slice(0, 8_000), cookie, body: text });
      judge(reply.status, reply.text, `${rest.method} ${to} ${text}`);
    }),
    { numRuns: slow.has(path) ? Math.ceil(runs / 6) : runs, interruptAfterTimeLimit: 40_000 },
  );
  const log = w.logs.join('\n');
  expect(log).not.toContain('error');
  for (const secret of [PASSWORD, cookie.slice(7), '$argon2']) expect(log).not.toContain(secret);
});

test('addresses and headers of any kind', async () => {
  const part = fc.oneof(
    hostile.map((s) => encodeURIComponent(s.toWellFormed())),
    fc.constantFrom('api', 'trpc', 'zfs', 'pools', 'datasets', '..', '.', '', '%2e%2e', '%ff', 'batch', 'system.info,system.info'),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(part, { maxLength: 6 }),
      fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS'),
      fc.string({ unit: fc.constantFrom(...'abc=;,%" /'), maxLength: 40 }),
      async (parts, method, text) => {
        const reply = await w.ask({
          method,
          path: `/${parts.join('/')}`.slice(0, 8_000),
          headers: { cookie: text, authorization: text, accept: text, 'content-type': text, 'if-none-match': text },
        });
        judge(reply.status, reply.text, parts.join('/'));
      },
    ),
    { numRuns: 150 },
  );
});

test('all this reached the procedures: the session held, and most of them were carried out at least once', async () => {
  expect((await w.ask({ path: '/api/session', cookie })).status).toBe(200);
  expect(done.size).toBeGreaterThan(30);
});
