import { expect, test } from 'vitest';
import { DesiredState } from '../state/state.ts';

test('names are one name to Windows whatever their case: declared twice is refused; NFS tells them apart, and does not collide with SMB', () => {
  const disks = ['/dev/disk/by-id/ata-A'];
  const declared = (shares: object[]): string[] =>
    DesiredState.safeParse({
      version: 1,
      pools: [{ name: 'tank', vdevs: [{ kind: 'stripe', disks }] }],
      shares: shares.map((s) => ({ dataset: 'tank', ...s })),
    }).error?.issues.map((i) => i.message) ?? [];
  expect(
    declared([
      { kind: 'smb', name: 'Docs' },
      { kind: 'smb', name: 'dOCS' },
    ]),
  ).toEqual(['share smb:docs is declared twice (first as item 1)']);
  const clients = [{ host: '*' }];
  expect(
    declared([
      { kind: 'smb', name: 'docs' },
      { kind: 'nfs', name: 'docs', clients },
      { kind: 'nfs', name: 'Docs', clients },
    ]),
  ).toEqual([]);
});
