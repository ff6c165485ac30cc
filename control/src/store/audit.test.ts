import { createHmac } from 'node:crypto';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chainHmac } from './audit-frame.ts';
import type { SealedHead } from './audit-seal.ts';
import { openStore } from './store.ts';
import { anEntry, KEY, type Lab, storeLab, tamper } from './store.testing.ts';

const COLUMNS = ['seq', 'at', 'actor_kind', 'actor_name', 'actor_via', 'action', 'subject', 'outcome', 'reason', 'detail'];

/** The frame as the documentation says it, made by other means than the product's. */
const hmacOf = (key: Buffer, previous: string, row: Record<string, unknown>): string => {
  const fields = COLUMNS.map((c) => Buffer.from(String(row[c])));
  const text = Buffer.from(`${previous}dplane-audit-1,${fields.map((f) => f.length).join(',')},`);
  const body = fields.flatMap((f, i) => (i === 0 ? [f] : [Buffer.from(','), f]));
  return createHmac('sha256', key)
    .update(Buffer.concat([text, ...body]))
    .digest('hex');
};
const rowsOf = (path: string): Record<string, unknown>[] => {
  const raw = new Database(path);
  const rows = raw.prepare<[], Record<string, unknown>>('SELECT * FROM audit ORDER BY seq').all();
  raw.close();
  return rows;
};

/** Ten entries, and the store closed: what was changed behind its back is found by the next start. */
const tenEntries = (lab: Lab): void => {
  const store = openStore(lab.options);
  for (let i = 1; i <= 10; i += 1) store.audit.append(anEntry({ subject: `dataset:tank/d${i}` }));
  store.close();
};
const verdictAfter = async (lab: Lab) => lab.open().audit.verify();

describe('the chain', () => {
  it('is written as it is documented', async () => {
    const lab = storeLab();
    const store = lab.open();
    const entries = [
      anEntry(),
      anEntry({ subject: 'a\0b,c\nd', reason: 'ünïcödé 🜁 \ud800 lone', detail: { b: 1, a: [true, null, 'x'] } }),
      anEntry({ subject: '', reason: '', outcome: 'denied', actor: { kind: 'system', name: '', via: '' }, detail: {} }),
      anEntry({ detail: { long: 'ü'.repeat(50_000) } }),
    ].map((e) => store.audit.append(e));
    let previous = '0'.repeat(64);
    for (const row of rowsOf(lab.path)) {
      expect(row.hmac).toBe(hmacOf(KEY, previous, row));
      previous = String(row.hmac);
    }
    expect(entries.at(-1)?.hmac).toBe(previous);
    expect(await store.audit.verify()).toEqual({ intact: true, entries: 4, brokenAt: null, problem: null });
    expect(store.audit.page(null, 2).map((e) => [e.seq, e.outcome])).toEqual([
      [4, 'succeeded'],
      [3, 'denied'],
    ]);
    expect(store.audit.page(3, 1)[0]).toMatchObject({
      seq: 2,
      detail: { b: 1, a: [true, null, 'x'] },
      actor: { kind: 'user', name: 'alice' },
    });
  });

  it('is HMAC-SHA256 for every key and text', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.string({ unit: 'binary', maxLength: 5000 }), (bytes, text) => {
        const key = Buffer.from(bytes);
        const previous = 'ab'.repeat(32);
        const sign = chainHmac(key);
        const expected = createHmac('sha256', key)
          .update(previous + text.toWellFormed())
          .digest('hex');
        expect(sign(previous, text)).toBe(expected);
        // The buffer of an earlier, longer frame leaves nothing behind.
        expect(sign(previous, text.toWellFormed().slice(0, 3).toWellFormed())).toBe(
          createHmac('sha256', key)
            .update(previous + text.toWellFormed().slice(0, 3).toWellFormed())
            .digest('hex'),
        );
      }),
      { numRuns: 30 },
    );
  });

  it('tells entries apart whose fields read the same when they are put in a row', () => {
    const stores = [anEntry({ action: 'a', subject: 'b,c' }), anEntry({ action: 'a,b', subject: 'c' })].map(
      (e) => storeLab().open().audit.append(e).hmac,
    );
    expect(new Set(stores).size).toBe(2);
  });

  it('goes on over restarts', async () => {
    const lab = storeLab();
    tenEntries(lab);
    const store = lab.open();
    expect(store.audit.append(anEntry()).seq).toBe(11);
    expect(await store.audit.verify()).toMatchObject({ intact: true, entries: 11 });
  });
});

describe('verify finds', () => {
  const changes = COLUMNS.filter((c) => c !== 'seq').map((c): [string, string] => {
    const value = { at: 'at + 1', actor_kind: "'token'", outcome: "'denied'" }[c] ?? `${c} || 'x'`;
    return [c, `UPDATE audit SET ${c} = ${value} WHERE seq = 4`];
  });
  it.each(changes)('a changed %s', async (_, sql) => {
    const lab = storeLab();
    tenEntries(lab);
    tamper(lab.path, sql);
    expect(await verdictAfter(lab)).toMatchObject({ intact: false, entries: 3, brokenAt: 4 });
  });

  it.each([
    [
      'two entries in each other’s place',
      'UPDATE audit SET seq = -3 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 5; UPDATE audit SET seq = 5 WHERE seq = -3',
      3,
    ],
    ['a deleted head', 'DELETE FROM audit WHERE seq = 1', 1],
    ['a deleted head, renumbered', 'DELETE FROM audit WHERE seq = 1; UPDATE audit SET seq = seq - 1', 1],
    ['a deleted middle', 'DELETE FROM audit WHERE seq = 5', 5],
    ['a deleted middle, renumbered', 'DELETE FROM audit WHERE seq = 5; UPDATE audit SET seq = seq - 1 WHERE seq > 5', 5],
    ['a truncated tail', 'DELETE FROM audit WHERE seq > 7', 8],
    ['a truncated last entry', 'DELETE FROM audit WHERE seq = 10', 10],
    ['an emptied table', 'DELETE FROM audit', 1],
    [
      'a copied entry at the end',
      'INSERT INTO audit SELECT 11, at, actor_kind, actor_name, actor_via, action, subject, outcome, reason, detail, hmac FROM audit WHERE seq = 10',
      11,
    ],
    [
      'an entry before the first',
      'INSERT INTO audit SELECT 0, at, actor_kind, actor_name, actor_via, action, subject, outcome, reason, detail, hmac FROM audit WHERE seq = 1',
      0,
    ],
    [
      'an entry that was put between',
      'UPDATE audit SET seq = seq + 1 WHERE seq > 9; INSERT INTO audit SELECT 10, at, actor_kind, actor_name, actor_via, action, subject, outcome, reason, detail, hmac FROM audit WHERE seq = 9',
      10,
    ],
    ['an exchanged hmac', 'UPDATE audit SET hmac = (SELECT hmac FROM audit WHERE seq = 2) WHERE seq = 10', 10],
  ])('%s', async (_, sql, brokenAt) => {
    const lab = storeLab();
    tenEntries(lab);
    tamper(lab.path, sql);
    expect(await verdictAfter(lab)).toMatchObject({ intact: false, brokenAt });
  });

  it('an entry forged without the key, however well it is framed', async () => {
    const lab = storeLab();
    tenEntries(lab);
    const last = rowsOf(lab.path).at(-1) ?? {};
    const forged = { ...last, seq: 11, actor_name: 'mallory' };
    const hmac = hmacOf(Buffer.alloc(32, 9), String(last.hmac), forged);
    tamper(
      lab.path,
      `INSERT INTO audit SELECT 11, at, actor_kind, 'mallory', actor_via, action, subject, outcome, reason, detail, '${hmac}' FROM audit WHERE seq = 10`,
    );
    expect(await verdictAfter(lab)).toMatchObject({ intact: false, entries: 10, brokenAt: 11 });
  });

  it('a second chain, though made with the same key', async () => {
    const lab = storeLab();
    tenEntries(lab);
    const other = storeLab();
    const store = openStore(other.options);
    for (let i = 1; i <= 12; i += 1) store.audit.append(anEntry({ subject: `other ${i}` }));
    store.close();
    // the whole of it
    const whole = storeLab();
    copyFileSync(other.path, whole.path);
    copyFileSync(lab.sealPath, whole.sealPath);
    expect(await verdictAfter(whole)).toMatchObject({ intact: false, brokenAt: 10 });
    // its end behind our beginning
    tamper(lab.path, `ATTACH '${other.path}' AS o`, 'DELETE FROM audit WHERE seq > 6');
    tamper(lab.path, `ATTACH '${other.path}' AS o; INSERT INTO main.audit SELECT * FROM o.audit WHERE seq > 6`);
    expect(await verdictAfter(lab)).toMatchObject({ intact: false, entries: 6, brokenAt: 7 });
  });

  it('entries that disappear, or come from elsewhere, while it runs', async () => {
    const lab = storeLab();
    const store = lab.open();
    for (let i = 0; i < 10; i += 1) store.audit.append(anEntry());
    tamper(lab.path, 'DELETE FROM audit WHERE seq > 8');
    expect(await store.audit.verify()).toMatchObject({ intact: false, brokenAt: 9 });
    // Going on doesn't cover it up.
    store.audit.append(anEntry());
    expect(await store.audit.verify()).toMatchObject({ intact: false, brokenAt: 9 });
  });
});

describe('the seal', () => {
  it('says how the chain ends, and onSeal hears of it after it is on the disk, before any event', () => {
    const lab = storeLab();
    const order: string[] = [];
    const heads: SealedHead[] = [];
    const store = lab.open({
      onSeal: (head) => {
        heads.push(head);
        order.push(readFileSync(lab.sealPath, 'latin1').includes(head.hmac) ? 'sealed' : 'not sealed');
      },
    });
    store.events.subscribe(() => order.push('event'));
    store.transact(() => {
      store.audit.append(anEntry());
      store.events.append({ kind: 'system.started', severity: 'info', subject: 's', message: '', actor: '', data: {} });
      store.audit.append(anEntry());
    });
    expect(order).toEqual(['sealed', 'event']);
    expect(heads).toMatchObject([{ count: 2, seq: 2 }]);
    store.settings.set('a', '1');
    expect(heads).toHaveLength(1);
  });

  it('is missed, now and after every restart and entry, until a person has decided', async () => {
    const lab = storeLab();
    tenEntries(lab);
    rmSync(lab.sealPath);
    const store = openStore(lab.options);
    store.audit.append(anEntry());
    expect(await store.audit.verify()).toMatchObject({ intact: false, problem: 'the seal outside the database is missing' });
    store.close();
    expect(await verdictAfter(lab)).toMatchObject({ intact: false, problem: 'the seal outside the database is missing' });
  });

  it('is missed when it goes while the store is open', async () => {
    const lab = storeLab();
    const store = lab.open();
    store.audit.append(anEntry());
    rmSync(lab.sealPath);
    store.audit.append(anEntry());
    expect((await store.audit.verify()).intact).toBe(false);
    expect(store.check()).toEqual(['audit: the seal outside the database is missing']);
  });

  it('keeps saying that the end was cut off, though entries were added since', async () => {
    const lab = storeLab();
    tenEntries(lab);
    tamper(lab.path, 'DELETE FROM audit WHERE seq > 8');
    const store = openStore(lab.options);
    for (let i = 0; i < 5; i += 1) store.audit.append(anEntry());
    store.close();
    expect(await verdictAfter(lab)).toMatchObject({ intact: false, brokenAt: 10, problem: 'entry 10 is not the one that was sealed' });
  });

  it('does not hold with another key', async () => {
    const lab = storeLab();
    tenEntries(lab);
    expect((await lab.open({ auditKey: Buffer.alloc(32, 8) }).audit.verify()).intact).toBe(false);
  });

  it.each([0, 1])('survives a write that was cut off in slot %i', async (slot) => {
    const lab = storeLab();
    tenEntries(lab);
    const file = readFileSync(lab.sealPath);
    // What a cut-off write leaves behind is half of a seal whose entries are already in the database.
    file.fill(0, slot * 4096 + 40, slot * 4096 + 90);
    const store = openStore(lab.options);
    store.audit.append(anEntry());
    store.close();
    writeFileSync(lab.sealPath, file);
    expect(await verdictAfter(lab)).toMatchObject({ intact: true, entries: 11 });
  });

  it('is damaged when neither slot holds', async () => {
    const lab = storeLab();
    tenEntries(lab);
    writeFileSync(lab.sealPath, 'dplane-seal-1 10 10 '.padEnd(8192, 'f'));
    expect((await verdictAfter(lab)).problem).toContain('damaged');
  });

  it('follows when a crash came between the commit and the seal', async () => {
    const lab = storeLab();
    tenEntries(lab);
    const older = join(lab.folder, 'older');
    copyFileSync(lab.sealPath, older);
    const store = openStore(lab.options);
    store.audit.append(anEntry());
    store.close();
    copyFileSync(older, lab.sealPath);
    expect(await verdictAfter(lab)).toMatchObject({ intact: true, entries: 11 });
    tamper(lab.path, 'DELETE FROM audit WHERE seq = 11');
    expect((await verdictAfter(lab)).intact).toBe(false);
  });
});

describe('verifying', () => {
  it('gives the event loop its turns, tells how far it is, and stops when told', async () => {
    const store = storeLab().open();
    store.transact(() => {
      for (let i = 0; i < 3000; i += 1) store.audit.append(anEntry());
    });
    const turns: number[] = [];
    let done = 0;
    const other = setInterval(() => turns.push(done), 0);
    const progress: [number, number][] = [];
    const verdict = await store.audit.verify({
      onProgress: (d, of) => {
        done = d;
        progress.push([d, of]);
      },
    });
    clearInterval(other);
    expect(verdict).toMatchObject({ intact: true, entries: 3000 });
    expect(progress.at(-1)).toEqual([3000, 3000]);
    expect(progress.length).toBeGreaterThan(3);
    expect(turns.some((d) => d > 0 && d < 3000)).toBe(true);
    const stop = new AbortController();
    await expect(store.audit.verify({ signal: stop.signal, onProgress: () => stop.abort() })).rejects.toThrow('abort');
  });

  it('includes what is appended meanwhile', async () => {
    const store = storeLab().open();
    for (let i = 0; i < 3; i += 1) store.audit.append(anEntry());
    const running = store.audit.verify();
    store.audit.append(anEntry());
    expect(await running).toMatchObject({ intact: true, entries: 4 });
  });
});
