/** Typed passphrases are braked as passwords are; a copy of a key leaves only for an admin who types the own password again. */
import { afterEach, expect, test } from 'vitest';
import { refuse } from '../domain/refusal.ts';
import { PASSWORD, type World, world } from './testing/fixture.ts';

let w: World;
afterEach(() => w.end());

test('wrong passphrases of a dataset are counted, and the next has to wait; a right one is not', async () => {
  w = await world();
  const cookie = await w.claim();
  const right = 'violet hammer lagoon';
  const { keys } = w.engine as unknown as { keys: { seal: (a: unknown, d: string | null, s: string) => Promise<unknown> } }; // played here
  const { seal } = keys;
  keys.seal = (a, d, s) =>
    s === right ? seal(a, d, s) : Promise.resolve(refuse('invalid', `unlocking ${d}`, 'this is not its key', 'type it again'));
  const type = async (secret: string, opens: string | null = 'tank/secret'): Promise<number> =>
    (await w.ask({ method: 'POST', path: '/api/zfs/keys/seal', cookie, body: { opens, secret } })).status;
  expect(await type(right)).toBe(200);
  const answers: number[] = [];
  for (let i = 0; i < 14; i += 1) answers.push(await type(`wrong ${i}`));
  expect(answers.slice(0, 5)).toEqual(Array(5).fill(400));
  expect(answers.at(-1)).toBe(429);
  expect(await type(right)).toBe(429);
  w.time.now += 3_600_000;
  expect(await type(right)).toBe(200);
  expect(w.logs.join('\n') + JSON.stringify(w.store.audit.page(null, 200))).not.toMatch(/wrong \d|violet/);
});

test('a key is copied by an admin with the own password; not by an operator, not by a token', async () => {
  w = await world();
  const cookie = await w.claim();
  const copy = (more: object, password = PASSWORD) =>
    w.ask({ method: 'POST', path: '/api/zfs/keys/copy', body: { dataset: 'tank/vault', password }, ...more });
  expect((await copy({ cookie }, 'not my password')).status).toBe(403);
  expect((await copy({ cookie })).json()).toMatchObject({ hex: '0'.repeat(64) });
  expect((await copy({ cookie: await w.person('operator') })).status).toBe(403);
  expect((await copy({})).status).toBe(401);
  const made = await w.ask({ method: 'POST', path: '/api/access/tokens', cookie, body: { name: 'backup', scopes: ['key.copy'], days: 1 } });
  expect((await copy({ token: String(made.json().token) })).status).toBe(403);
});
