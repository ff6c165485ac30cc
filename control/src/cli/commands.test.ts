import { describe, expect, it } from 'vitest';
import { quoted } from './changes.ts';
import { readProperties, readVdevs, scanText } from './cmd/pool.ts';
import { readClient } from './cmd/share.ts';
import { type Candidate, candidates } from './complete.ts';
import { Problem } from './problems.ts';
import { parseAddress } from './transport.ts';

describe('vdevs as people type them', () => {
  it('reads kinds and roles, with short and full disk names', () => {
    expect(readVdevs(['mirror', 'ata-A', '/dev/disk/by-id/ata-B', 'log', 'mirror', 'nvme-C', 'nvme-D', 'spare', 'ata-E'])).toEqual([
      { kind: 'mirror', role: 'data', disks: ['/dev/disk/by-id/ata-A', '/dev/disk/by-id/ata-B'] },
      { kind: 'mirror', role: 'log', disks: ['/dev/disk/by-id/nvme-C', '/dev/disk/by-id/nvme-D'] },
      { kind: 'stripe', role: 'spare', disks: ['/dev/disk/by-id/ata-E'] },
    ]);
    expect(readVdevs(['raidz', 'a', 'b', 'raidz', 'c', 'd'])).toHaveLength(2);
  });
  it.each([[['mirror']], [[]], [['mirror', '/dev/sda', '/dev/sdb']], [['log']]])('refuses %j', (words) =>
    expect(() => readVdevs(words)).toThrow(Problem),
  );
});

describe('properties, clients, addresses', () => {
  it('splits at the first equals sign', () => {
    expect(readProperties(['mountpoint=/mnt/a=b', 'atime=off'])).toEqual({ mountpoint: '/mnt/a=b', atime: 'off' });
    expect(() => readProperties(['atime'])).toThrow(Problem);
    expect(() => readProperties(['atime=on', 'atime=off'])).toThrow(Problem);
  });
  it('reads NFS clients, IPv6 as well', () => {
    expect(readClient('192.168.1.0/24=ro,all,async')).toEqual({ host: '192.168.1.0/24', access: 'ro', squash: 'all', sync: false });
    expect(readClient('fd00::1/64')).toEqual({ host: 'fd00::1/64', access: 'rw', squash: 'root', sync: true });
    expect(() => readClient('*=rwx')).toThrow(Problem);
  });
  it('takes a bare name with the port of the box, and plain HTTP on this machine only', () => {
    expect(parseAddress('nas.local')).toMatchObject({ kind: 'https', origin: 'https://nas.local:8443' });
    expect(parseAddress('https://nas.local')).toMatchObject({ port: 443 });
    expect(parseAddress('https://[::1]:8443')).toMatchObject({ host: '::1', origin: 'https://[::1]:8443' });
    expect(parseAddress('http://127.0.0.1:8080')).toMatchObject({ kind: 'http' });
    for (const wrong of ['http://nas.local', 'https://u:p@nas', 'ftp://nas', 'https://nas/path', 'https://'])
      expect(() => parseAddress(wrong), wrong).toThrow(Problem);
  });
});

describe('what is shown', () => {
  it('quotes an action id for a shell', () => {
    expect(quoted('dataset.destroy tank/old')).toBe("'dataset.destroy tank/old'");
    expect(quoted("it's")).toBe("'it'\\''s'");
    expect(quoted('tank/old')).toBe('tank/old');
  });
  it('says how far a scrub is and how long it may take', () => {
    const base = { kind: 'scrub' as const, startedAt: 0, endedAt: null, errors: 0 };
    expect(scanText({ ...base, state: 'scanning', progress: 0.5 }, 3_600_000)).toBe('scrub at 50%, about 1 hour left, no errors');
    expect(scanText({ ...base, state: 'finished', endedAt: 0, progress: 1, errors: 2 }, 86_400_000)).toBe('scrub 1 day ago, 2 errors');
    expect(scanText({ kind: 'none', state: 'none', startedAt: null, endedAt: null, progress: 0, errors: 0 }, 0)).toBe('never scrubbed');
  });
});

describe('completion', () => {
  const names = async (kind: unknown): Promise<readonly Candidate[]> =>
    (kind === 'dataset' ? ['tank/media', 'tank/old'] : kind === 'pool' ? ['tank'] : kind === 'profile' ? ['nas'] : []).map((word) => ({
      word,
      about: '',
    }));
  const offered = async (...words: string[]) => (await candidates(words, names)).map((c) => c.word);

  it('offers commands, then their commands', async () => {
    expect(await offered('da')).toEqual(['dataset']);
    expect(await offered('pool', '')).toEqual(expect.arrayContaining(['list', 'show', 'create', 'scrub', 'replace', 'offline']));
    expect(await offered('plan', '')).toEqual(expect.arrayContaining(['list', 'show']));
  });
  it('offers names where a name belongs', async () => {
    expect(await offered('dataset', 'show', 'tank/m')).toEqual(['tank/media']);
    expect(await offered('--host', 'nas', 'pool', 'scrub', '')).toEqual(['tank']);
    expect(await offered('dataset', 'show', 'tank/media', '')).toEqual([]);
    expect(await offered('share', 'create', '')).toEqual(['smb', 'nfs']);
  });
  it('offers options and their values', async () => {
    expect(await offered('dataset', 'destroy', 'tank/old', '--app')).toEqual(['--approve']);
    expect(await offered('status', '--host', '')).toEqual(['nas']);
    expect(await offered('status', '--host=')).toEqual(['--host=nas']);
    expect(await offered('dataset', 'create', 'tank/x', 'compr')).toEqual(['compression=']);
    expect(await offered('user', 'create', 'anna', '--role', 'a')).toEqual(['admin', 'auditor']);
  });
  it('does not offer an option twice unless it may be repeated', async () => {
    expect(await offered('dataset', 'destroy', 'x', '--yes', '--y')).toEqual([]);
    expect(await offered('dataset', 'destroy', 'x', '--approve', 'x', '--appr')).toEqual(['--approve']);
  });
});
