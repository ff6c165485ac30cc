import { expect, test } from 'vitest';
import type { KeyKind } from '../../domain/key/key.ts';
import type { Operation } from '../../domain/operation/operation.ts';
import { execute } from './execute.ts';
import type { Changed } from './host.ts';
import { clock, exists, guidOf, machine, type Machine, must, NOW, smbShare } from './testing.ts';

const PASS = 'violet hammer lagoon';
let n = 0;
const run = (host: Machine, operation: Operation, now = clock): Promise<Changed> => {
  n += 1;
  return execute({ host, clock: now, approval: null, id: `op-${String(n).padStart(8, '0')}` }, operation);
};
const value = (r: Changed): Record<string, unknown> => {
  if (!r.ok) throw new Error(`${r.refusal.what}: ${r.refusal.why}`);
  return r.value;
};
const why = (r: Changed): string => (r.ok ? 'no refusal' : `${r.refusal.code}: ${r.refusal.why}`);

const sealed = async (host: Machine, secret: string, opens: string | null = null): Promise<Changed> =>
  run(host, { kind: 'key.seal', secret, opens: opens === null ? null : { name: opens, guid: await guidOf(host, opens) } });
const make = async (host: Machine, name: string, key: KeyKind): Promise<void> => {
  const passphrase = key === 'passphrase' ? String(value(await sealed(host, PASS)).sealed) : null;
  value(
    await run(host, { kind: 'dataset.create', name, type: 'filesystem', properties: {}, encryption: { algorithm: 'on', key, passphrase } }),
  );
};
const status = async (host: Machine, name: string): Promise<string> =>
  (await must(host, 'zfs', 'get', '-H', '-o', 'value', 'keystatus,mounted', name)).trim().replace('\n', ' ');
const lock = async (host: Machine, name: string): Promise<Changed> =>
  run(host, { kind: 'dataset.lock', name, guid: await guidOf(host, name) });
const unlock = async (host: Machine, name: string, secret: string | null = null): Promise<Changed> =>
  run(host, { kind: 'dataset.unlock', name, guid: await guidOf(host, name), secret });

test('a passphrase locks and unlocks; it is in no argv and in no file', async () => {
  const host = await machine();
  await make(host, 'tank/secret', 'passphrase');
  await must(host, 'zfs', 'create', 'tank/secret/below');
  expect(await status(host, 'tank/secret')).toBe('available yes');
  value(await lock(host, 'tank/secret'));
  expect([await status(host, 'tank/secret'), await status(host, 'tank/secret/below')]).toEqual(['unavailable no', 'unavailable no']);

  expect(why(await sealed(host, 'violet hammer lagoon!', 'tank/secret'))).toBe('invalid: this is not its key');
  expect(why(await unlock(host, 'tank/secret'))).toContain('its passphrase was not given');
  value(await unlock(host, 'tank/secret', String(value(await sealed(host, PASS, 'tank/secret')).sealed)));
  expect([await status(host, 'tank/secret'), await status(host, 'tank/secret/below')]).toEqual(['available yes', 'available yes']);
  expect(JSON.stringify([host.ran, host.world.model.texts])).not.toContain(PASS);
});

test('what was sealed is for one use, for an hour, and of this start', async () => {
  const host = await machine();
  await make(host, 'tank/secret', 'passphrase');
  await make(host, 'tank/other', 'passphrase');
  await lock(host, 'tank/secret');
  const forNew = String(value(await sealed(host, PASS)).sealed);
  const forOther = String(value(await sealed(host, PASS, 'tank/other')).sealed);
  const mine = String(value(await sealed(host, PASS, 'tank/secret')).sealed);
  for (const wrong of [forNew, forOther]) expect(why(await unlock(host, 'tank/secret', wrong))).toContain('typed for another dataset');
  const guid = await guidOf(host, 'tank/secret');
  const late = run(host, { kind: 'dataset.unlock', name: 'tank/secret', guid, secret: mine }, () => NOW + 3_700_000);
  expect(why(await late)).toContain('more than an hour ago');
  const restarted = await machine();
  await make(restarted, 'tank/secret', 'passphrase');
  await lock(restarted, 'tank/secret');
  expect(why(await unlock(restarted, 'tank/secret', mine))).toMatch(/before the last start|another dataset/);
  expect(why(await sealed(host, 'short'))).toContain('at least 12 characters');
});

test.each(['hex-file', 'raw-file'] as const)('%s: made here, only once, and put back from its copy', async (key) => {
  const host = await machine();
  await make(host, 'tank/files', key);
  const copied = value(await run(host, { kind: 'key.read', name: 'tank/files', guid: await guidOf(host, 'tank/files') }));
  expect(copied.hex).toMatch(/^[0-9a-f]{64}$/);
  await lock(host, 'tank/files');
  value(await unlock(host, 'tank/files'));
  await lock(host, 'tank/files');
  const path = `/var/lib/dplane-exec/dataset-${copied.keyFile}.key`;
  await must(host, 'unlink', path);
  expect(why(await unlock(host, 'tank/files'))).toBe('not-found: its key file is not on this machine');
  expect(why(await sealed(host, '0'.repeat(64), 'tank/files'))).toContain('this is not its key');
  expect(why(await sealed(host, 'not a key at all', 'tank/files'))).toContain('key file');
  value(await unlock(host, 'tank/files', String(value(await sealed(host, String(copied.hex), 'tank/files')).sealed)));
  expect(await status(host, 'tank/files')).toBe('available yes');
  await lock(host, 'tank/files');
  value(await unlock(host, 'tank/files'));
  const { files } = value(await run(host, { kind: 'key.list' }));
  expect(files).toEqual([{ id: expect.stringMatching(/^op-/), dataset: 'tank/files' }]);
  expect(JSON.stringify(host.ran)).not.toContain(copied.hex);
});

test('a key is changed to a file and back, and the old one no longer opens it', async () => {
  const host = await machine();
  await make(host, 'tank/secret', 'passphrase');
  const guid = await guidOf(host, 'tank/secret');
  value(await run(host, { kind: 'dataset.changeKey', name: 'tank/secret', guid, key: 'hex-file', passphrase: null }));
  await lock(host, 'tank/secret');
  expect(why(await sealed(host, PASS, 'tank/secret'))).toContain('key file');
  value(await unlock(host, 'tank/secret'));
  const passphrase = String(value(await sealed(host, 'granite pickle cinema')).sealed);
  value(await run(host, { kind: 'dataset.changeKey', name: 'tank/secret', guid, key: 'passphrase', passphrase }));
  await lock(host, 'tank/secret');
  expect(why(await sealed(host, PASS, 'tank/secret'))).toContain('this is not its key');
  value(await unlock(host, 'tank/secret', String(value(await sealed(host, 'granite pickle cinema', 'tank/secret')).sealed)));
  // the file of the key that was is kept: a copy of the dataset may need it
  const { files } = value(await run(host, { kind: 'key.list' }));
  expect(files).toEqual([{ id: expect.any(String), dataset: null }]);
  expect(
    why(
      await run(host, {
        kind: 'dataset.changeKey',
        name: 'tank/docs',
        guid: await guidOf(host, 'tank/docs'),
        key: 'hex-file',
        passphrase: null,
      }),
    ),
  ).toContain('not encrypted');
});

test('a key file is gone again when nothing came of it', async () => {
  const host = await machine();
  host.fault({ match: ['zfs', 'create'], kind: 'exit', exit: 1, stderr: "cannot create 'tank/new': out of space\n" });
  const made = run(host, {
    kind: 'dataset.create',
    name: 'tank/new',
    type: 'filesystem',
    properties: {},
    encryption: { algorithm: 'on', key: 'hex-file', passphrase: null },
  });
  expect(why(await made)).toContain('out of space');
  expect([value(await run(host, { kind: 'key.list' })).files, await exists(host, 'tank/new')]).toEqual([[], false]);
});

test('locking is refused while a client uses a share, and takes shares down until it is unlocked', async () => {
  const host = await machine();
  await make(host, 'tank/secret', 'hex-file');
  value(await run(host, { kind: 'share.put', share: smbShare('vault', 'tank/secret') }));
  value(await run(host, { kind: 'share.put', share: smbShare('docs', 'tank/docs') }));
  const conf = (): Promise<string | null> => host.readText('/etc/samba/dplaneos/shares.conf');
  host.happen({
    kind: 'connect',
    session: { user: 'anna', share: 'vault', machine: '10.0.0.5', address: '10.0.0.5', files: [], connectedAt: NOW },
  });
  expect(why(await lock(host, 'tank/secret'))).toBe('busy: it is in use by anna@10.0.0.5 (share vault)');
  expect(await status(host, 'tank/secret')).toBe('available yes');
  host.happen({ kind: 'disconnect', user: 'anna', share: 'vault' });
  value(await lock(host, 'tank/secret'));
  expect(await conf()).not.toContain('[vault]');
  expect(await conf()).toContain('"name":"vault"');
  expect(await conf()).toContain('[docs]');
  expect(why(await run(host, { kind: 'share.put', share: smbShare('more', 'tank/secret') }))).toBe('conflict: it is locked');
  value(await unlock(host, 'tank/secret'));
  expect(await conf()).toContain('[vault]');
});

test('what is busy stays as it was, with its shares', async () => {
  const host = await machine();
  await make(host, 'tank/secret', 'hex-file');
  value(await run(host, { kind: 'share.put', share: smbShare('vault', 'tank/secret') }));
  host.fault({ match: ['zfs', 'unload-key'], kind: 'exit', exit: 255, stderr: "Key unload error: 'tank/secret' is busy.\n", times: 1 });
  expect(why(await lock(host, 'tank/secret'))).toContain('busy');
  expect([await status(host, 'tank/secret'), await host.readText('/etc/samba/dplaneos/shares.conf')]).toEqual([
    'available yes',
    expect.stringContaining('[vault]'),
  ]);
});
