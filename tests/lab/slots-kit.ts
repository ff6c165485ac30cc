/** What the suites of slots and updates share: bundles made and signed here, a server they are fetched from, and a look at a machine's slots. */
import { createReadStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SlotStatus, type Slots, UpdateEvent } from '../../control/src/domain/slot/slot.ts';
import { orThrow, ok } from '../../control/src/domain/refusal.ts';
import { buildBundle } from '../../ota/src/bundle/build.ts';
import { signBundle } from '../../ota/src/bundle/sign.ts';
import { newSeed } from '../../ota/src/keys/private.ts';
import { keyId, renderPublicKey } from '../../ota/src/keys/public.ts';
import { publicOf, signBytes } from '../../ota/src/keys/signature.ts';
import { KERNEL_OPTIONS } from '../../packages/debian/src/disk.ts';
import type { Slot } from '../../packages/debian/src/slot.ts';
import type { Vm } from '../../packages/lab/src/vm.ts';

/** The host as the guest's user-mode network sees it. */
const HOST = '10.0.2.2';
const DAY = 86_400_000;
/** A name that the server answers with a beginning only. */
export const STALLS = 'stalls';

export type Key = { seed: Uint8Array; id: string; pem: string };
export const newKey = (comment: string): Key => {
  const seed = newSeed();
  const bytes = publicOf(seed);
  return { seed, id: keyId(bytes), pem: renderPublicKey(bytes, comment) };
};

export type BundleOptions = {
  slot: Slot;
  /** Of another image than the slot's own. */
  image?: string;
  key: Key;
  version: string;
  index: number;
  /** Besides those of the image, and before them. */
  options?: readonly string[];
  createdAt?: number;
  notAfter?: number;
};

export type Kit = {
  folder: string;
  /** Builds, signs, and gives the address the guest fetches it from. */
  bundle: (name: string, o: BundleOptions) => Promise<string>;
  path: (name: string) => string;
  close: () => Promise<void>;
};

export const openKit = async (): Promise<Kit> => {
  const folder = mkdtempSync(join(process.env.DPLANE_LAB_TMP ?? tmpdir(), 'dplaneos-bundles-'));
  const path = (name: string): string => join(folder, name);
  const server = createServer((request, response) => {
    const asked = (request.url ?? '/').slice(1);
    if (asked === STALLS) {
      // a server that takes the question, and then says nothing
      response.writeHead(200, { 'content-length': 100_000_000 }).flushHeaders();
      return;
    }
    const file = path(asked);
    let size = 0;
    try {
      size = statSync(file).size;
    } catch {
      response.writeHead(404).end();
      return;
    }
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const range = from > 0 ? { 'content-range': `bytes ${from}-${size - 1}/${size}` } : {};
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': size - from, 'accept-ranges': 'bytes', etag: `"${size}"`, ...range });
    createReadStream(file, { start: from })
      .on('error', () => response.destroy())
      .pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const at = server.address();
  const port = typeof at === 'object' && at !== null ? at.port : 0;
  return {
    folder,
    path,
    bundle: async (name, o) => {
      const { slot } = o;
      const now = Date.now();
      orThrow(
        await buildBundle(
          {
            slot: o.image ?? join(slot.folder, 'slot.erofs'),
            kernel: join(slot.folder, 'vmlinuz'),
            initrd: join(slot.folder, 'initrd'),
            system: { ...slot.system, version: o.version, index: o.index },
            minIndex: 0,
            poolFeatures: slot.poolFeatures,
            options: [...(o.options ?? []), ...KERNEL_OPTIONS],
            createdAt: o.createdAt ?? now,
            notAfter: o.notAfter ?? now + 30 * DAY,
            level: 1,
          },
          path(name),
        ),
      );
      const { seed } = o.key;
      orThrow(await signBundle(path(name), { publicKey: publicOf(seed), sign: async (message) => ok(signBytes(message, seed)) }));
      return `http://${HOST}:${port}/${name}`;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

/** Trusts a key as an admin at the machine does. */
export const enroll = async (nas: Vm, key: Key): Promise<void> => {
  await nas.must(['sh', '-c', 'cat > /tmp/key.pem'], { input: key.pem });
  await nas.must(['dplane-ota', 'enroll-key', '/tmp/key.pem']);
};

/** What the machine says of its slots; waits until it has settled. */
export const slots = async (nas: Vm): Promise<Slots> => {
  await nas.until(
    'slots are accounted for',
    480_000,
    async () => (await nas.ask(['systemctl', 'is-active', 'dplane-settle']))?.trim() === 'active',
  );
  const status = SlotStatus.parse(JSON.parse(await nas.must(['cat', '/run/dplane-ota/status.json'])));
  if (!status.available) throw new Error(status.why);
  return status;
};

export const inWords = (s: Slots): string =>
  s.slots
    .map((x) => `${x.name}${x.running ? '*' : ''} ${x.state}${x.system === null ? '' : ` ${x.system.version}`}${x.next ? ' next' : ''}`)
    .join(', ');

export const history = (text: string): UpdateEvent[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => UpdateEvent.parse(JSON.parse(line)));

/** Waits until what was tried last has come to an end, over as many restarts as that takes; gives how it ended. */
export const verdictOf = async (nas: Vm, limitMs = 1_800_000): Promise<UpdateEvent> => {
  let last: UpdateEvent | undefined;
  await nas.until('the update is confirmed or reverted', limitMs, async () => {
    const text = await nas.ask(['cat', '/persist/ota/history.jsonl']);
    last = text === null ? undefined : history(text).at(-1);
    return last?.kind === 'confirmed' || last?.kind === 'reverted';
  });
  await nas.forgetSsh();
  if (last === undefined) throw new Error('no history');
  return last;
};

/** Restarts in haste, as the machine itself does when it gives a start up. */
export const restartInto = async (nas: Vm): Promise<void> => {
  await nas.forgetSsh();
  await nas.ask(['systemctl', '--no-block', 'reboot']);
};
