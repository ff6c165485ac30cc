import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BundleInfo } from '../../../control/src/domain/bundle/bundle.ts';
import { SlotStatus } from '../../../control/src/domain/slot/slot.ts';
import { type Box, makeBox } from '../testing/box.ts';
import { idOf, makeRelease, pemOf, readyBox, seedOf } from '../testing/release.ts';

const MAIN = join(import.meta.dirname, '../main.ts');
/** Compiled once for all of them. */
const cache = mkdtempSync(join(tmpdir(), 'dplane-ota-cache-'));
afterAll(() => rmSync(cache, { recursive: true }));
let box: Box;
beforeEach(async () => {
  box = await readyBox(makeBox);
});
afterEach(() => box.drop());
const at = (name: string): string => join(box.root, name);
const run = (...argv: string[]) => {
  const r = spawnSync(process.execPath, [MAIN, ...argv], {
    encoding: 'utf8',
    env: { ...process.env, DPLANE_OTA_ROOT: box.root, NODE_COMPILE_CACHE: cache, NO_COLOR: '1' },
  });
  return { code: r.status, out: r.stdout, err: r.stderr };
};
const json = (text: string): { ok: boolean; value?: unknown; refusal?: { why: string } } => JSON.parse(text.trim());
const FUTURE = String(Math.floor(Date.now() / 1000) + 86_400);

describe('making a release', () => {
  test('key, bundle, signature; verified by OpenSSL; compared with a build', () => {
    writeFileSync(at('pass'), 'five random words do well\n');
    expect(run('keygen', at('key'), '--comment', 'tests', '--passphrase-file', at('pass'))).toMatchObject({ code: 0, err: '' });
    expect(statSync(at('key')).mode & 0o777).toBe(0o600);
    expect(readFileSync(at('key'), 'utf8')).not.toContain('five random');
    for (const [name, size] of [
      ['slot', 200_704],
      ['kernel', 5000],
      ['initrd', 6001],
    ] as const)
      writeFileSync(at(name), Buffer.alloc(size, name));
    writeFileSync(
      at('system.json'),
      JSON.stringify({
        product: 'dplaneos',
        version: '1.4.0',
        index: 7,
        arch: 'x86_64',
        kernel: '6.12',
        zfs: '2.3',
        poolFeatures: ['lz4_compress'],
      }),
    );
    const files = ['--slot', at('slot'), '--kernel', at('kernel'), '--initrd', at('initrd')];
    const built = run(
      'build',
      at('b.dplane'),
      ...files,
      '--system',
      at('system.json'),
      '--created',
      '2026-01-01',
      '--not-after',
      FUTURE,
      '--option',
      'panic=10',
    );
    expect(built).toMatchObject({ code: 0 });
    expect(run('inspect', at('b.dplane'), '--public-key', at('key.pem')).err).toContain('it is not signed');
    expect(run('sign', at('b.dplane'), '--key', at('key'), '--passphrase-file', at('pass'))).toMatchObject({ code: 0 });
    expect(run('verify', at('b.dplane'), '--public-key', at('key.pem'))).toMatchObject({ code: 0 });
    const sums = run('verify-release', at('b.dplane'), '--public-key', at('key.pem'), ...files);
    expect(sums.code).toBe(0);
    expect(spawnSync('sha512sum', ['-c'], { input: sums.out, encoding: 'utf8' }).status).toBe(0);
    // as the README tells it
    const member = (name: string): Buffer => spawnSync('tar', ['xOf', at('b.dplane'), name]).stdout;
    writeFileSync(at('message'), Buffer.concat([Buffer.from('dplane-bundle-v1\0'), member('manifest.json')]));
    writeFileSync(at('signature'), member('manifest.sig'));
    const openssl = ['pkeyutl', '-verify', '-pubin', '-inkey', at('key.pem'), '-rawin', '-in', at('message'), '-sigfile', at('signature')];
    expect(spawnSync('openssl', openssl).status).toBe(0);
    writeFileSync(at('wrong'), 'another passphrase\n');
    expect(run('sign', at('b.dplane'), '--key', at('key'), '--passphrase-file', at('wrong')).err).toContain(
      'the passphrase does not open it',
    );
    expect(run('keygen', at('key'), '--passphrase-file', at('pass')).err).toContain('that file exists');
    writeFileSync(at('short'), 'short\n');
    expect(run('keygen', at('key2'), '--passphrase-file', at('short')).err).toContain('12 characters or more');
    expect(existsSync(at('key2'))).toBe(false);
  });
  test('an image to flash: signed, verified by this program and by OpenSSL; changed, cut, or by somebody else it is refused', () => {
    writeFileSync(at('pass'), 'five random words do well\n');
    for (const name of ['ours', 'theirs']) expect(run('keygen', at(name), '--passphrase-file', at('pass')).code).toBe(0);
    const image = at('dplaneos-0.1.0.img.zst');
    writeFileSync(image, Buffer.alloc(3_000_000, 'image'));
    const verify = (...more: string[]) => run('verify-file', image, '--public-key', at('ours.pem'), ...more);
    expect(verify().err).toContain('there is no signature');
    expect(run('sign-file', image, '--key', at('ours'), '--passphrase-file', at('pass'))).toMatchObject({
      code: 0,
      out: expect.stringContaining(`${image}.sig: signed by `),
    });
    expect(statSync(`${image}.sig`).size).toBe(64);
    expect(verify()).toMatchObject({ code: 0, out: expect.stringContaining('every byte is what was signed') });
    // as ota/README.md has it
    const sh = `{ printf 'dplane-file-v1\\0'; openssl dgst -sha512 -binary "$1"; } > message
      openssl pkeyutl -verify -pubin -inkey "$2" -rawin -in message -sigfile "$1.sig"`;
    const openssl = (key: string) => spawnSync('sh', ['-c', sh, 'verify', image, at(key)], { cwd: box.root, encoding: 'utf8' });
    expect(openssl('ours.pem').stdout).toMatch(/Verified Successfully/);
    expect(openssl('theirs.pem').status).not.toBe(0);

    expect(run('verify-file', image, '--public-key', at('theirs.pem'))).toMatchObject({
      code: 1,
      err: expect.stringContaining('not what was signed'),
    });
    expect(run('verify-file', image, '--public-key', at('theirs.pem'), '--public-key', at('ours.pem')).code).toBe(0);
    // elsewhere: what Nix built can't be written to
    expect(run('sign-file', image, '--key', at('theirs'), '--passphrase-file', at('pass'), '--output', at('out')).code).toBe(0);
    expect(verify('--signature', at('out/dplaneos-0.1.0.img.zst.sig')).code).toBe(1);
    expect(run('verify-file', image, '--public-key', at('theirs.pem'), '--signature', at('out/dplaneos-0.1.0.img.zst.sig')).code).toBe(0);
    const bytes = readFileSync(image);
    for (const other of [
      Buffer.concat([bytes, Buffer.from('x')]),
      bytes.subarray(1),
      Buffer.concat([Buffer.from('I'), bytes.subarray(1)]),
    ]) {
      writeFileSync(image, other);
      expect(verify()).toMatchObject({ code: 1, err: expect.stringContaining('Do not use it') });
    }
    writeFileSync(image, bytes);
    writeFileSync(`${image}.sig`, 'short');
    expect(verify().err).toContain('has 5 bytes, a signature has 64');
    expect(run('sign-file', at('nothing'), '--key', at('ours')).err).toContain('there is no such file');
  });

  test('an HSM signs: a program that reads and writes files, or says the signature; one that lies is found out', async () => {
    const { path } = await makeRelease(box, 5);
    const [key, pem] = [at('hsm'), at('hsm.pem')];
    spawnSync('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', key]);
    spawnSync('openssl', ['pkey', '-in', key, '-pubout', '-out', pem]);
    const sign = ['sign', path, '--public-key', pem, '--sign-command'];
    expect(
      run(...sign, 'openssl', '--', 'pkeyutl', '-sign', '-inkey', key, '-rawin', '-in', '{message}', '-out', '{signature}'),
    ).toMatchObject({ code: 0 });
    expect(run('verify', path, '--public-key', pem)).toMatchObject({ code: 0 });
    expect(run(...sign, 'printf', '--', Buffer.alloc(64, 3).toString('base64')).err).toContain('is not a signature of the key');
    expect(run(...sign, 'true').err).toContain('it gave 0 bytes');
    expect(run(...sign, 'no-such-program').err).toContain('missing');
    expect(run('verify', path, '--public-key', pem)).toMatchObject({ code: 0 });
  });
});

describe('at a machine', () => {
  test('status, for people and for programs', () => {
    const told = run('status');
    expect(told).toMatchObject({ code: 0, err: '' });
    expect(told.out).toContain('  slot a  1.3.0            confirmed  (runs, starts next)\n  slot b  1.2.0            confirmed\n');
    const said = json(run('status', '--json').out);
    expect(SlotStatus.parse(said.value)).toMatchObject({ available: true, running: 'a', keys: [{ id: idOf(seedOf(1)) }] });
    box.write(box.places.cmdline, 'quiet\n');
    expect(run('status')).toMatchObject({ code: 1 });
    expect(SlotStatus.parse(json(run('status', '--json').out).value)).toMatchObject({
      available: false,
      why: 'this machine was not started from a system slot',
    });
  });
  test('a bundle is looked at, from a file and from an address', async () => {
    const { path } = await makeRelease(box, 5, { notAfter: Date.now() + 86_400_000 });
    run('status');
    expect(BundleInfo.parse(json(run('inspect', '--json', path).out).value)).toMatchObject({
      system: { index: 5 },
      keyId: idOf(seedOf(1)),
    });
    const server = createServer((_, a) => a.end(readFileSync(path))).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const child = spawn(process.execPath, [MAIN, 'inspect', '--json', `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`], {
      env: { ...process.env, DPLANE_OTA_ROOT: box.root },
    });
    let out = '';
    child.stdout.on('data', (part: Buffer) => {
      out += part.toString();
    });
    await once(child, 'close');
    server.close();
    expect(json(out).ok).toBe(true);
  });
  test('keys are enrolled and revoked', () => {
    writeFileSync(at('new.pem'), pemOf(seedOf(9), 'new'));
    expect(run('enroll-key', at('new.pem')).out).toContain(`key ${idOf(seedOf(9))} new is trusted from now on`);
    expect(run('revoke-key', idOf(seedOf(1))).out).toContain('trusted keys left: 1');
    expect(run('revoke-key', idOf(seedOf(9))).err).toContain('the last key this machine trusts');
    expect(run('status').out).toMatch(new RegExp(`${idOf(seedOf(1))} {2}revoked`));
  });
  test('a request nobody can understand is refused, and says so on one line', () => {
    writeFileSync(at('request'), '{"id":"x"}');
    expect(json(run('apply', '--json', '--request', at('request')).out)).toMatchObject({ ok: false, refusal: { code: 'invalid' } });
  });
});

describe('wrong words', () => {
  test.each<[string[], number, RegExp]>([
    [[], 2, /^$/],
    [['aply'], 2, /Did you mean: dplane-ota apply/],
    [['frobnicate'], 2, /All commands: dplane-ota --help/],
    [['constructor'], 2, /there is no command/],
    [['status', 'now'], 2, /status does not take "now"/],
    [['verify'], 2, /verify needs more than that/],
    [['verify', 'x', '--bogus'], 2, /Unknown option '--bogus'/],
    [['apply'], 1, /one bundle is needed/],
    [['inspect', '/nowhere/x'], 1, /there is no such file/],
    [['inspect', 'ftp://x/y'], 1, /Give a path or an http/],
    [['revoke-key', 'x'], 1, /not a key id/],
    [['enroll-key', '/etc/hostname'], 1, /not one PEM block/],
    [['sign', '/etc/hostname'], 1, /no key is given/],
    [['keygen', '/tmp'], 1, /nobody to ask for a passphrase/],
  ])('%j', (argv, code, words) => {
    const r = run(...argv);
    expect(r.code).toBe(code);
    expect(r.err).toMatch(words);
    expect(r.err).not.toMatch(/\n {4}at /);
  });
});
