/** For the tests of this folder and of the executor: a small simulated machine with one pool and spare disks. */
import { randomUUID } from 'node:crypto';
import { type Approval, type ExecRequest, type Operation, targetOf } from '../../domain/operation/operation.ts';
import type { SmbShare } from '../../domain/share/share.ts';
import type { Host } from '../host.ts';
import { BY_ID, type SimDisk, type SimModel } from '../sim/model.ts';
import { simHost } from '../sim/sim.ts';
import { properties, shown } from './host.ts';

export const NOW = Date.UTC(2026, 10, 20);
export const clock = (): number => NOW;

const disk = (n: number): SimDisk => ({
  name: `sd${String.fromCharCode(97 + n)}`,
  links: [`ata-TEST_${n}`],
  size: 4 * 1024 ** 4,
  model: 'TEST',
  serial: String(n),
  sector: [512, 4096],
  rotational: true,
  transport: 'sata',
  parts: [],
  fstype: null,
});
export const diskPath = (n: number): string => `${BY_ID}ata-TEST_${n}`;

const model = (): SimModel => ({
  seed: 7,
  counter: 0,
  txg: 4,
  version: '2.3.9',
  disks: [0, 1, 2, 3, 4, 5].map(disk),
  pools: [],
  datasets: [],
  texts: {},
  sessions: [],
  stopped: [],
  events: [],
});

export type Machine = ReturnType<typeof simHost>;
export const must = async (host: Host, ...argv: string[]): Promise<string> => {
  const r = await host.run(argv, { timeoutMs: 10_000 });
  if (r.exit !== 0) throw new Error(`${argv.join(' ')}: ${r.stderr}`);
  return r.stdout;
};

/** Pool `tank` on the first two disks, mounted at /mnt/tank, with `tank/docs` (a file in it) and `tank/empty`. */
export const machine = async (log?: string): Promise<Machine> => {
  const host = simHost({ model: model(), clock, ...(log === undefined ? {} : { log }) });
  if (host.world.pool('tank')) return host;
  await must(host, 'zpool', 'create', '-O', 'mountpoint=/mnt/tank', 'tank', 'mirror', diskPath(0), diskPath(1));
  await must(host, 'zfs', 'create', 'tank/docs');
  await must(host, 'zfs', 'create', 'tank/empty');
  host.happen({ kind: 'file', path: '/mnt/tank/docs/letter.txt', size: 5000 });
  return host;
};

export const guidOf = async (host: Host, name: string): Promise<string> => {
  const seen = await properties(host, name, ['guid']);
  if (!seen.ok) throw new Error(seen.refusal.why);
  return shown(seen.value, 'guid');
};
export const exists = async (host: Host, name: string): Promise<boolean> => (await properties(host, name, ['guid'])).ok;

const ACTOR = { kind: 'user' as const, name: 'anna', via: 'api' };
export const approve = (operation: Operation, more: Partial<Approval> = {}): Approval => {
  const target = targetOf(operation);
  if (!target) throw new Error(`${operation.kind} takes no approval`);
  return {
    id: randomUUID().replaceAll('-', ''),
    actor: ACTOR,
    planDigest: 'a'.repeat(64),
    actionId: `${operation.kind} ${target.name}`,
    operation: operation.kind,
    target,
    issuedAt: NOW - 1000,
    expiresAt: NOW + 900_000,
    ...more,
  };
};
export const request = (operation: Operation, approval: Approval | null = null, id: string = randomUUID()): ExecRequest => ({
  v: 1,
  id,
  actor: ACTOR,
  operation,
  approval,
});

export const smbShare = (name: string, dataset: string, more: Partial<SmbShare> = {}): SmbShare => ({
  kind: 'smb',
  name,
  dataset,
  folder: '',
  comment: '',
  readOnly: false,
  browseable: true,
  guests: false,
  validUsers: [],
  writeUsers: [],
  previousVersions: true,
  preset: 'general',
  encrypt: 'desired',
  sign: 'auto',
  maxSize: '',
  ...more,
});
