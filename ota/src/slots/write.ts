/**
 * Does the steps of `plan.ts`, one by one, each on the disk before the next begins.
 *
 * A kernel is written under its final name: nothing refers to it until its entry stands, and a name that never changes can't be
 * there twice after a power cut. An entry is written beside, and renamed when all of it is on the disk.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RefusalError, type Result, ok, refuse } from '../../../control/src/domain/refusal.ts';
import { syncFolder } from './files.ts';
import type { Places } from './places.ts';
import type { Payload, Step } from './plan.ts';

export type Contents = (from: 'kernel' | 'initrd') => AsyncIterable<Uint8Array>;
export type Writer = {
  places: Places;
  /** Everything of that file system is on the disk when it resolves. */
  syncAll: (path: string) => Promise<void>;
  contents: Contents;
  /** Told before each thing that changes the disk; tests cut the power there. */
  at?: (point: string) => void;
};

const wrong = (path: string, why: string): RefusalError =>
  new RefusalError(
    refuse(
      'failed',
      `writing ${path}`,
      why,
      'The boot partition may be failing: check it with `fsck.fat -n`. The running system is untouched.',
    ).refusal,
  );

/** With one piece of memory for all of it. */
const hashFile = async (path: string): Promise<Payload> => {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const hash = createHash('sha512');
    const piece = Buffer.allocUnsafeSlow(256 * 1024);
    for (let size = 0; ; ) {
      const { bytesRead } = await file.read(piece, 0, piece.length, null);
      if (bytesRead === 0) return { size, sha512: hash.digest('hex') };
      hash.update(piece.subarray(0, bytesRead));
      size += bytesRead;
    }
  } finally {
    await file.close();
  }
};

const same = (x: Payload, y: Payload): boolean => x.size === y.size && x.sha512 === y.sha512;

/** Created anew, never through a link, closed only when it is on the disk. */
const writeNew = async (path: string, write: (file: FileHandle) => Promise<void>): Promise<void> => {
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o644);
  try {
    await write(file);
    await file.sync();
  } finally {
    await file.close();
  }
};

const writeFile = async (w: Writer, path: string, payload: Payload, parts: AsyncIterable<Uint8Array>): Promise<void> => {
  await mkdir(dirname(path), { recursive: true });
  await writeNew(path, async (file) => {
    let written = 0;
    for await (const part of parts) {
      w.at?.(`bytes of ${path}`);
      written += part.length;
      if (written > payload.size) throw wrong(path, `more than ${payload.size} bytes came`);
      await file.writeFile(part);
    }
  });
  w.at?.(`check of ${path}`);
  if (!same(await hashFile(path), payload)) throw wrong(path, 'what was read back is not what had to be written');
  await syncFolder(dirname(path));
};

const writeEntry = async (w: Writer, path: string, text: string): Promise<void> => {
  await mkdir(dirname(path), { recursive: true });
  const beside = `${path}.tmp`;
  const bytes = Buffer.from(text, 'latin1');
  await writeNew(beside, (file) => file.writeFile(bytes));
  w.at?.(`check of ${beside}`);
  const payload = { size: bytes.length, sha512: createHash('sha512').update(bytes).digest('hex') };
  if (!same(await hashFile(beside), payload)) throw wrong(beside, 'what was read back is not what had to be written');
  await syncFolder(dirname(path));
  await w.syncAll(w.places.esp);
  w.at?.(`rename to ${path}`);
  await rename(beside, path);
  await syncFolder(dirname(path));
};

const perform = async (w: Writer, step: Step): Promise<void> => {
  const entries = join(w.places.esp, 'loader/entries');
  switch (step.kind) {
    case 'remove entry':
      await unlink(join(entries, step.file));
      return syncFolder(entries);
    case 'remove file': {
      const folder = join(w.places.esp, 'dplane', step.slot);
      await unlink(join(folder, step.name));
      return syncFolder(folder);
    }
    case 'check file': {
      const path = join(w.places.esp, 'dplane', step.slot, step.name);
      if (!same(await hashFile(path), step.payload)) throw wrong(path, 'it is there already, with another content than its name says');
      return;
    }
    case 'write file':
      return writeFile(w, join(w.places.esp, 'dplane', step.slot, step.name), step.payload, w.contents(step.from));
    case 'write entry':
      return writeEntry(w, join(entries, step.file), step.text);
  }
  return step;
};

/** Stops at the first step that fails; what was done until then is a state that boots. */
export const perStep = async (w: Writer, steps: readonly Step[]): Promise<Result<null>> => {
  for (const step of steps) {
    try {
      w.at?.(step.kind);
      await perform(w, step);
      await w.syncAll(w.places.esp);
    } catch (error) {
      if (error instanceof RefusalError) return { ok: false, refusal: error.refusal };
      if (error instanceof Error && 'code' in error)
        return refuse(
          'failed',
          `the boot partition: ${step.kind}`,
          error.message,
          'The running system is untouched. Check the boot partition with `fsck.fat -n`.',
        );
      throw error;
    }
  }
  return ok(null);
};

export const noContents: Contents = () => {
  throw new Error('these steps write no kernel');
};
