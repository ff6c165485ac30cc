/**
 * The install hook of `boot.loader.external`: a boot entry for the system that `nixos-rebuild boot|switch` just built inside the running
 * slot. Counted and judged like an update from a bundle. The other slot's entries are not touched; neither is the confirmed entry of
 * the running one, until the new system is confirmed.
 */
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { type Result, ok, refuse } from '../../../control/src/domain/refusal.ts';
import { Architecture, SystemInfo, type SlotName } from '../../../control/src/domain/slot/slot.ts';
import { formatBytes } from '../../../control/src/domain/units.ts';
import { takeLock } from '../apply/lock.ts';
import { parseEntryName } from '../slots/entry.ts';
import { appendHistory } from '../slots/history.ts';
import { readMachine, runningSystem, writeStatus } from '../slots/machine.ts';
import type { Places } from '../slots/places.ts';
import { keepRoots } from './roots.ts';
import { after, missingSpace, obsolete, type Payload, stage } from '../slots/plan.ts';
import { perStep, type Writer } from '../slots/write.ts';

const StorePath = z.string().regex(/^\/nix\/store\/[A-Za-z0-9+._?=-]+(\/[A-Za-z0-9+._?=-]+)*$/);
/** RFC 125; what else it holds (extensions, specialisations) is not ours. */
const Bootspec = z.looseObject({
  'org.nixos.bootspec.v1': z.looseObject({
    system: z.templateLiteral([Architecture, '-linux']),
    kernel: StorePath,
    kernelParams: z.array(z.string()),
    label: z.string(),
    initrd: StorePath,
    init: StorePath,
    toplevel: StorePath,
  }),
});

const payloadOf = async (path: string): Promise<Payload> => {
  const hash = createHash('sha512');
  for await (const part of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(part as Buffer);
  return { size: (await stat(path)).size, sha512: hash.digest('hex') };
};

export type HookTools = {
  places: Places;
  clock: () => number;
  syncAll: Writer['syncAll'];
  /** In front of paths of the store, for tests. */
  root?: string;
  /** Tests cut the power there. */
  at?: (point: string) => void;
};

export const installHook = async (toplevel: string, t: HookTools): Promise<Result<{ slot: SlotName; entry: string }>> => {
  const what = `the boot entry of ${toplevel.slice(0, 200)}`;
  const text = await readFile(join(toplevel, 'boot.json'), 'utf8').catch(() => null);
  if (text === null) return refuse('not-found', what, 'it has no boot.json', 'Is it the toplevel of a NixOS system?');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return refuse('invalid', what, 'its boot.json is not JSON');
  }
  const parsed = Bootspec.safeParse(json);
  if (!parsed.success)
    return refuse(
      'invalid',
      what,
      `its boot.json is not understood: ${parsed.error.issues[0]?.path.join('.')} ${parsed.error.issues[0]?.message}`,
    );
  const spec = parsed.data['org.nixos.bootspec.v1'];
  const lock = await takeLock(t.places.lock, 'installing a NixOS boot entry');
  if (!lock.ok) return lock;
  try {
    const machine = await readMachine(t.places);
    if (!machine.ok) return machine;
    const { esp, booted } = machine.value;
    const running = runningSystem(machine.value);
    if (running === null) return refuse('conflict', what, 'the boot entry of the running system is gone', 'Restart, then try again.');
    const system = await systemOf(t, spec.toplevel, running);
    if (!system.ok) return system;
    if (spec.system !== `${running.arch}-linux`)
      return refuse('invalid', what, `it is for ${spec.system}, this machine is ${running.arch}`);
    const [kernel, initrd] = [join(t.root ?? '', spec.kernel), join(t.root ?? '', spec.initrd)];
    const first = obsolete(esp, booted);
    const then = stage(after(esp, first), {
      slot: booted.slot,
      system: system.value,
      kernel: await payloadOf(kernel),
      initrd: await payloadOf(initrd),
      options: [`init=${spec.init}`, ...spec.kernelParams.filter((o) => !o.startsWith('dplane.slot=') && !o.startsWith('init='))],
      title: `D-PlaneOS ${spec.label.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 80)} (slot ${booted.slot})`,
    });
    if (!then.ok) return then;
    const missing = missingSpace(esp, [...first, ...then.value]);
    if (missing > 0)
      return refuse('blocked', what, `the boot partition lacks ${formatBytes(missing)}`, 'Nothing was changed. A smaller initrd helps.');
    const writer: Writer = {
      places: t.places,
      syncAll: t.syncAll,
      contents: (from) => createReadStream(from === 'kernel' ? kernel : initrd),
      ...(t.at ? { at: t.at } : {}),
    };
    const last = then.value.at(-1);
    const file = last?.kind === 'write entry' ? last.file : '';
    const before = await perStep(writer, [...first, ...then.value.slice(0, -1)]);
    if (!before.ok) return before;
    // written down first: of an entry that nobody knows of, nobody could say what became of it
    await appendHistory(t.places, {
      ...{ at: t.clock(), kind: 'staged', slot: booted.slot, system: system.value, bootId: booted.bootId, reason: '' },
      ...{ entry: parseEntryName(file)?.number },
    });
    const done = await perStep(writer, then.value.slice(-1));
    if (!done.ok) return done;
    const status = await writeStatus(t.places, t.clock());
    if (status.available) await keepRoots(t.places, status.starts);
    return ok({ slot: booted.slot, entry: file });
  } finally {
    await lock.value();
  }
};

/** What the new system says of itself; one that says nothing is taken for the release that runs. */
const systemOf = async (t: HookTools, toplevel: string, running: SystemInfo): Promise<Result<SystemInfo>> => {
  const text = await readFile(join(t.root ?? '', toplevel, 'etc/dplaneos/system.json'), 'utf8').catch(() => null);
  if (text === null) return ok(running);
  try {
    return ok(SystemInfo.parse(JSON.parse(text)));
  } catch {
    return refuse('invalid', 'reading what the new system is', `${toplevel}/etc/dplaneos/system.json is not understood`);
  }
};
