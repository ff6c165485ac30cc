import { expect, test } from 'vitest';
import { NfsShare, SmbShare } from './share.ts';
import { previousVersionAt, waysTo } from './words.ts';

const smb = (more: object): SmbShare => SmbShare.parse({ kind: 'smb', name: 'My Files', dataset: 'tank/files', ...more });
const texts = (...args: Parameters<typeof waysTo>): string[] => waysTo(...args).map((w) => w.text);

test('each client gets what it understands, with blanks as it takes them', () => {
  expect(texts(smb({}), 'nas', null)).toEqual([
    '\\\\nas\\My Files',
    'smb://nas/My%20Files',
    "mount -t cifs '//nas/My Files' /mnt -o username=NAME,vers=3.1.1",
  ]);
  expect(texts(smb({ name: 'x', encrypt: 'required', guests: true }), 'nas', null)[2]).toBe(
    'mount -t cifs //nas/x /mnt -o guest,vers=3.1.1,seal',
  );
  expect(texts(smb({ preset: 'time-machine' }), 'nas', null)).toEqual(['smb://nas/My%20Files']);
  const nfs = NfsShare.parse({ kind: 'nfs', name: 'b', dataset: 'tank/b', clients: [{ host: '*' }] });
  expect(texts(nfs, 'nas', '/mnt/a b')).toEqual(["mount -t nfs 'nas:/mnt/a b' /mnt", 'nfs://nas/mnt/a%20b']);
  expect(texts(nfs, 'nas', null)).toEqual([]);
});

test('Previous Versions are what the server looks for, and nothing else', () => {
  expect(previousVersionAt('GMT-2026.11.20-18.30.00')).toBe(Date.UTC(2026, 10, 20, 18, 30));
  for (const tag of ['before-permissions-2026', 'GMT-2026.11.20-18.30.00-hourly', 'GMT-2026.13.40-99.99.99', 'gmt-2026.11.20-18.30.00'])
    expect(previousVersionAt(tag)).toBeNull();
});
