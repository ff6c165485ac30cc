/**
 * SMB from outside the lab's VM: reading and writing beside a Samba configured by hand, in pairs in one run on one dataset; a change to one of many
 * shares, and whether those who use another one notice. DPLANE_BENCH_SHARES says how many shares (500), DPLANE_BENCH_CHANGES how
 * many changes (100).
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Long, must, spawnLong } from '../../packages/lab/src/exec.ts';
import type { Vm } from '../../packages/lab/src/vm.ts';
import { type Call, change, claim } from '../lab/api.ts';
import { SmbShare } from '../../control/src/domain/share/share.ts';
import { parseSmb, renderSmb, SMB_FILE } from '../../control/src/host/samba/conf.ts';
import { openLab } from '../lab/lab.ts';
import { plainSamba } from '../lab/plain-samba.ts';
import { type Bench, type Figure, figure, median } from './bench.ts';

const COUNT = Number(process.env.DPLANE_BENCH_SHARES ?? 500);
const CHANGES = Number(process.env.DPLANE_BENCH_CHANGES ?? 100);
const PAIRS = 7;
const MIB = 64;
const HOUR = 3_600_000;
const PASSWORD = 'ada opens the cupboard';
const DATASET = 'tank/work';
const AT = '/tank/work';

type Client = { auth: string; folder: string };
type Place = { port: number; share: string };

const smbArgv = ({ auth }: Client, { port, share }: Place): string[] => [
  'smbclient',
  `//127.0.0.1/${share}`,
  ...['-p', String(port), '-A', auth, '-m', 'SMB3'],
];
const seconds = async (argv: readonly string[]): Promise<number> => {
  const began = performance.now();
  await must(argv, { timeoutMs: HOUR });
  return (performance.now() - began) / 1000;
};

/** Both in turn, each first as often as the other: MiB a second of ours, and the median of the ratios. */
const pairs = async (ours: () => Promise<number>, plain: () => Promise<number>): Promise<{ rate: number; ratio: number }> => {
  const [rates, ratios]: [number[], number[]] = [[], []];
  // the first of each warms up
  for (let n = -1; n < PAIRS; n += 1) {
    let [mine, other] = [0, 0];
    if (n % 2 === 0) {
      mine = await ours();
      other = await plain();
    } else {
      other = await plain();
      mine = await ours();
    }
    if (n < 0) continue;
    rates.push(MIB / mine);
    ratios.push(other / mine);
  }
  return { rate: median(rates), ratio: median(ratios) };
};

const throughput = async (client: Client, ours: Place, plain: Place, what: string, goal: string): Promise<Figure[]> => {
  const from = join(client.folder, 'big');
  const put = (place: Place) => () => seconds([...smbArgv(client, place), '-c', `put ${from} big-${place.port}`]);
  const get = (place: Place) => () => seconds([...smbArgv(client, place), '-c', `get big-${place.port} /dev/null`]);
  const figures: Figure[] = [];
  for (const [way, work] of [
    ['written', put],
    ['read', get],
  ] as const) {
    const { rate, ratio } = await pairs(work(ours), work(plain));
    const note = `median of ${PAIRS} pairs of ${MIB} MiB, ratio of speeds ${ratio.toFixed(3)}; ${goal}`;
    figures.push(figure(`SMB, real ZFS: ${way} from outside, ${what}`, rate, 'MiB/s', rate / ratio, note));
  }
  return figures;
};

/** One connection that puts and gets a file again and again, until it is told to stop; what went wrong, and how often it went well. */
const busy = (argv: readonly string[], file: string): { done: () => number; stop: () => Promise<string[]> } => {
  let said = '';
  let rounds = 0;
  let stopped = false;
  const count = (what: RegExp): number => said.match(what)?.length ?? 0;
  // one line at a time: what comes with it is left lying
  let waits: 'put' | 'get' = 'put';
  const next = (): void => client.write(waits === 'put' ? `put ${file} busy\n` : 'get busy /dev/null\n');
  const client: Long = spawnLong([...argv, '--debug-stdout'], {
    onOutput: (text) => {
      said += text;
      const [puts, gets] = [count(/^putting file .*$/gm), count(/^getting file .*$/gm)];
      if (stopped || (waits === 'put' ? puts <= rounds : gets < rounds)) return;
      if (waits === 'put') rounds = puts;
      waits = waits === 'put' ? 'get' : 'put';
      next();
    },
  });
  next();
  return {
    done: () => rounds,
    stop: async () => {
      stopped = true;
      client.write('exit\n');
      client.closeInput();
      await client.ended;
      return said.match(/^.*(NT_STATUS|[Ee]rror|disconnect).*$/gm) ?? [];
    },
  };
};

/**
 * As many shares as asked for, each of a folder of its own: the file as the control plane writes it, put in place of its own (to make them one by one takes
 * an emulated machine half an hour, and is not what is measured).
 */
const many = async (nas: Vm, call: Call): Promise<void> => {
  await nas.sh(`cd ${AT}; for i in $(seq ${COUNT}); do mkdir s$i; done; chown -R ada: .`);
  const before = parseSmb(await nas.must(['cat', SMB_FILE])).shares.map((s) => s.spec);
  const more = Array.from({ length: COUNT }, (_, n) =>
    SmbShare.parse({ kind: 'smb', name: `s${n + 1}`, dataset: DATASET, folder: `/s${n + 1}` }),
  );
  const text = renderSmb([...before, ...more], new Map([[DATASET, AT]]));
  await nas.must(['sh', '-c', `cat > ${SMB_FILE}.new; mv ${SMB_FILE}.new ${SMB_FILE}; smbcontrol smbd reload-config`], { input: text });
  await change(nas, call, [{ kind: 'share.put', share: one(0) }]);
  await nas.until(
    'all are there',
    240_000,
    async () => ((await call('GET', '/api/shares')) as { shares: unknown[] }).shares.length === COUNT + before.length,
  );
};
/** One of them, changed again and again. */
const one = (n: number) => ({ kind: 'smb', name: 's7', dataset: DATASET, folder: '/s7', comment: `change ${n}`, readOnly: n % 2 === 1 });

const run = async (): Promise<Figure[]> => {
  const folder = mkdtempSync(join(tmpdir(), 'dplaneos-bench-smb-'));
  const client: Client = { auth: join(folder, 'auth'), folder };
  const lab = await openLab('bench-shares');
  const figures: Figure[] = [];
  try {
    writeFileSync(client.auth, `username = ada\npassword = ${PASSWORD}\n`, { mode: 0o600 });
    await must([
      'sh',
      '-c',
      `head -c ${MIB * 2 ** 20} /dev/urandom > ${join(folder, 'big')}; head -c 1000000 /dev/urandom > ${join(folder, 'small')}`,
    ]);
    const nas = await lab.machine();
    const call = await claim(nas, (await nas.must(['cat', '/var/lib/dplane/claim-code'])).trim());
    const disks = [1, 2].map((n) => `/dev/disk/by-id/virtio-test-disk${n}`);
    await change(nas, call, [{ kind: 'pool.create', pool: { name: 'tank', vdevs: [{ kind: 'stripe', disks }] } }]);
    const { sealed } = await call('POST', '/api/shares/users/seal', { password: PASSWORD });
    await change(nas, call, [{ kind: 'share-user.create', user: { name: 'ada', password: sealed } }]);
    const permissions = { owner: 'ada', access: 'owner' };
    await change(nas, call, [{ kind: 'dataset.create', dataset: { name: DATASET, permissions, properties: { compression: 'off' } } }]);
    await change(nas, call, [
      { kind: 'share.put', share: { kind: 'smb', name: 'work', dataset: DATASET } },
      { kind: 'share.put', share: { kind: 'smb', name: 'clear', dataset: DATASET, encrypt: 'off' } },
    ]);
    const sections = (more: string): string => `\tpath = ${AT}\n\tread only = no\n${more}`;
    const port = await plainSamba(
      nas,
      { name: 'ada', password: PASSWORD },
      `[plain]\n${sections('')}[sealed]\n${sections('\tserver smb encrypt = desired\n')}`,
    );
    const here = nas.spec.ports.smb;
    figures.push(
      ...(await throughput(
        client,
        { port: here, share: 'clear' },
        { port, share: 'plain' },
        'not encrypted',
        'beside a configuration by hand; goal 0.95',
      )),
      ...(await throughput(
        client,
        { port: here, share: 'work' },
        { port, share: 'sealed' },
        'encrypted',
        'beside one by hand that encrypts; goal 0.95',
      )),
    );
    await nas.sh(`rm ${AT}/big-*`);

    await many(nas, call);
    const writer = busy(smbArgv(client, { port: here, share: 'work' }), join(folder, 'small'));
    await nas.until('the client writes', 240_000, async () => writer.done() > 2);
    const session = async (): Promise<string> => {
      const { sessions } = (await call('GET', '/api/shares/sessions')) as { sessions: { id: string; shares: { share: string }[] }[] };
      return sessions
        .filter((s) => s.shares.some((x) => x.share === 'work'))
        .map((s) => s.id)
        .join();
    };
    const who = await session();
    const since = Math.floor(Date.now() / 1000);
    const took: number[] = [];
    for (let n = 0; n < CHANGES; n += 1) {
      const start = performance.now();
      await change(nas, call, [{ kind: 'share.put', share: one(n + 1) }]);
      took.push((performance.now() - start) / 1000);
    }
    if ((await session()) !== who) throw new Error(`the session ${who} is not there any more`);
    const rounds = writer.done();
    const errors = await writer.stop();
    const told = await nas.must(['journalctl', '-u', 'dplane-exec', '-o', 'cat', '--since', `@${since}`]);
    const own = [...told.matchAll(/share\.put .* outcome=done ms=([0-9]+)/g)].map((m) => Number(m[1]) / 1000);
    figures.push(
      figure(
        `SMB, real ZFS: a change to one of ${COUNT} shares, from plan to verified`,
        median(took),
        's',
        1,
        `of ${CHANGES}; baseline is the goal; emulated`,
      ),
      figure('SMB, real ZFS: of it in the executor', median(own), 's', 1, 'checked by testparm, written, loaded, read back'),
      figure(
        `SMB, real ZFS: errors of a client of another share during ${CHANGES} changes`,
        errors.length,
        'errors',
        0,
        `${rounds} times 1 MB written and read`,
      ),
    );
    if (errors.length > 0) console.error(errors.slice(0, 10).join('\n'));
    return figures;
  } finally {
    await lab.close();
    rmSync(folder, { recursive: true, force: true });
  }
};

export const benches: Bench[] = [{ name: 'shares in the VM', run }];
