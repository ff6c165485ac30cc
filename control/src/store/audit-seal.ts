/**
 * The sealed head: how long the audit chain is and how it ends, kept outside the database, so that cutting off the newest
 * entries shows. Written after every commit that appended, before anybody hears of it, and never ahead of what is on the disk.
 *
 * The file has two slots that are written in turn, in place: a write that the power cuts off spoils one slot, and the other
 * says what held before (the database is then longer than the seal, never shorter). That costs one small write instead of a
 * new file, two fsyncs and a rename for each entry. Each slot carries its own HMAC. Who can put back an older copy of
 * both the file and the database is found by the heads in the journal (`onSeal`).
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { closeSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';

export type SealedHead = { count: number; seq: number; hmac: string };

/** Apart by more than a disk's sector. */
const SLOT = 4096;
const LINE = /^dplane-seal-1 (\d{1,15}) (\d{1,15}) ([0-9a-f]{64}) ([0-9a-f]{64})\n/;

export type Seal = {
  /** `none`: there is no file. `damaged`: there is one, and no slot of it holds. */
  read(): SealedHead | 'none' | 'damaged';
  /** A new file, whole or not at all. */
  create(head: SealedHead): void;
  write(head: SealedHead): void;
  close(): void;
};

export const makeSeal = (path: string, key: Buffer): Seal => {
  let fd: number | null = null;
  let slot = 0;
  const macOf = (text: string): Buffer => createHmac('sha256', key).update(text).digest();
  const slotOf = (text: string): SealedHead | null => {
    const [line, count, seq, hmac, mac] = LINE.exec(text) ?? [];
    if (line === undefined || hmac === undefined || mac === undefined) return null;
    const held = timingSafeEqual(Buffer.from(mac, 'hex'), macOf(line.slice(0, line.length - mac.length - 1)));
    return held ? { count: Number(count), seq: Number(seq), hmac } : null;
  };
  const lineOf = (head: SealedHead): string => {
    const text = `dplane-seal-1 ${head.count} ${head.seq} ${head.hmac} `;
    return `${text}${macOf(text).toString('hex')}\n`;
  };
  return {
    read: () => {
      let text: string;
      try {
        text = readFileSync(path, 'latin1');
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'none';
        throw error;
      }
      const first = slotOf(text);
      const second = slotOf(text.slice(SLOT));
      const firstIsNewer = (first?.seq ?? -1) > (second?.seq ?? -1);
      slot = firstIsNewer ? 1 : 0;
      return (firstIsNewer ? first : second) ?? 'damaged';
    },
    create: (head) => {
      const part = `${path}.part`;
      // Both slots at their full size: later writes change bytes of the file, never its shape.
      writeFileSync(part, lineOf(head).padEnd(SLOT).repeat(2), { mode: 0o600, flush: true });
      renameSync(part, path);
    },
    write: (head) => {
      fd ??= openSync(path, 'r+');
      writeSync(fd, lineOf(head), slot * SLOT);
      slot = 1 - slot;
    },
    close: () => {
      if (fd !== null) closeSync(fd);
      fd = null;
    },
  };
};
