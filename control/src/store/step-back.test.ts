/** An update was taken back: an older program meets a newer database. Real files, and a crash after every step. */
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { RefusalError } from '../domain/refusal.ts';
import { MIGRATIONS, type Migration } from './migrate.ts';
import { openStore } from './store.ts';
import { anEntry, anEvent, type Lab, storeLab, tamper } from './store.testing.ts';
import type { Store } from './types.ts';

const NEXT: Migration = { name: 'next', sql: 'CREATE TABLE next (id INTEGER PRIMARY KEY) STRICT' };
const NEWER = [...MIGRATIONS, NEXT];
const KNOWN = MIGRATIONS.length;

const session = { csrf: 'c', createdAt: 1, lastSeenAt: 1, expiresAt: 9e15, from: '', agent: '' };
const fill = (store: Store, n: number, name: string): void => {
  for (let i = 0; i < n; i += 1)
    store.transact(() => {
      store.audit.append(anEntry({ subject: `${name} ${i}` }));
      store.events.append(anEvent());
    });
};
/** A database of this version, migrated by the next, which then wrote to it. */
const migrated = (lab: Lab, entries = 3): void => {
  const old = openStore(lab.options);
  fill(old, 5, 'before');
  const user = old.access.addUser({
    name: 'ada',
    role: 'admin',
    password: 'x',
    totpSecret: null,
    totpLastStep: 0,
    recoveryCodes: [],
    disabled: false,
    createdAt: 1,
    lastLoginAt: null,
  });
  old.access.addSession({ ...session, idHash: 'h', userId: user.id });
  old.close();
  const newer = openStore({ ...lab.options, migrations: NEWER });
  expect(newer.schemaVersion()).toBe(KNOWN + 1);
  fill(newer, entries, 'after');
  newer.close();
};
const asideOf = (lab: Lab): string => {
  const [name = ''] = readdirSync(lab.folder).filter((n) => n.includes('set-aside') && !n.endsWith('.seal'));
  return join(lab.folder, name);
};
const refusalOf = (work: () => unknown): RefusalError => {
  try {
    work();
  } catch (error) {
    if (error instanceof RefusalError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};

/** What has to hold however it came to be. */
const settled = async (lab: Lab, store: Store): Promise<void> => {
  expect(store.schemaVersion()).toBe(KNOWN);
  expect(store.check()).toEqual([]);
  const [entry] = store.audit.page(null, 1);
  expect(entry).toMatchObject({
    seq: 6,
    action: 'store.step-back',
    outcome: 'interrupted',
    detail: { from: KNOWN + 1, to: KNOWN, cut: { seq: 5 }, newer: { seq: 8 }, continues: true },
  });
  expect(await store.audit.verify()).toEqual({ intact: true, entries: 6, brokenAt: null, problem: null });
  expect(store.alerts.open()).toMatchObject([{ kind: 'store.stepped-back', severity: 'warning' }]);
  expect(store.events.before(null, 10).filter((e) => e.kind === 'store.stepped-back')).toHaveLength(1);
  expect(store.steppedBack()).toMatchObject({ from: KNOWN + 1 });
  // ended or not since then: nobody is let in by a session of the copy
  expect(store.access.sessions()).toEqual([]);
  expect(store.access.users().map((u) => u.name)).toEqual(['ada']);
  expect(readdirSync(lab.folder).filter((n) => /\.part$|stepping-back$/.test(n))).toEqual([]);
  // the newer file is whole, and its seal fits it: nothing was cut off there
  const aside = asideOf(lab);
  const kept = openStore({ ...lab.options, path: aside, sealPath: `${aside}.seal`, migrations: NEWER });
  expect(await kept.audit.verify()).toMatchObject({ intact: true, entries: 8 });
  expect(kept.access.sessions()).toHaveLength(1);
  kept.close();
};

describe('an older program that meets a newer database', () => {
  it('puts the copy back, keeps the newer file, and says so once', async () => {
    const lab = storeLab();
    migrated(lab);
    const heard: unknown[] = [];
    const store = lab.open({ onStepBack: (r) => heard.push(r) });
    await settled(lab, store);
    expect(heard).toHaveLength(1);
    fill(store, 2, 'since');
    store.close();
    const again = lab.open({ onStepBack: (r) => heard.push(r) });
    expect(again.audit.count()).toBe(8);
    expect(await again.audit.verify()).toMatchObject({ intact: true });
    expect(heard).toHaveLength(1);
    expect(again.steppedBack()).not.toBeNull();
    // whoever has looked at the file takes it away, and that is that
    rmSync(asideOf(lab));
    expect(again.steppedBack()).toBeNull();
    again.close();
  });

  it('that was killed before the newer one ended its log finds all of it in the file aside', async () => {
    const lab = storeLab();
    migrated(lab, 0);
    const raw = new Database(lab.path);
    raw.pragma('journal_mode = WAL');
    raw.pragma('wal_autocheckpoint = 0');
    raw.prepare("INSERT INTO settings (key, value) VALUES ('late', 'yes')").run();
    // as after a power cut: the log lies beside the file
    copyFileSync(lab.path, `${lab.path}.kept`);
    copyFileSync(`${lab.path}-wal`, `${lab.path}.kept-wal`);
    raw.close();
    copyFileSync(`${lab.path}.kept`, lab.path);
    copyFileSync(`${lab.path}.kept-wal`, `${lab.path}-wal`);
    const store = lab.open();
    expect(store.settings.get('late')).toBeNull();
    store.close();
    const aside = new Database(asideOf(lab));
    expect(aside.prepare("SELECT value FROM settings WHERE key = 'late'").pluck().get()).toBe('yes');
    aside.close();
  });

  it('takes it up after a crash at any step', async () => {
    const steps: string[] = [];
    const probe = storeLab();
    migrated(probe);
    probe.open({ afterStep: (s) => steps.push(s) }).close();
    expect(steps).toHaveLength(5);
    for (const step of steps) {
      const lab = storeLab();
      migrated(lab);
      const crash = new Error(step);
      expect(() =>
        lab.open({
          afterStep: (s) => {
            if (s === step) throw crash;
          },
        }),
      ).toThrow(crash);
      // there is a database at every moment: without one, anybody could claim the box
      expect(existsSync(lab.path), step).toBe(true);
      const store = lab.open();
      await settled(lab, store);
      store.close();
    }
  });

  it('lets the newer program go on with its own file when it comes back before its place was taken', async () => {
    const lab = storeLab();
    migrated(lab);
    const stop = (s: string): void => {
      if (s === 'its seal as well') throw new Error(s);
    };
    expect(() => lab.open({ afterStep: stop })).toThrow();
    const newer = lab.open({ migrations: NEWER });
    expect(newer.audit.count()).toBe(8);
    expect(await newer.audit.verify()).toMatchObject({ intact: true });
    expect(newer.alerts.open()).toEqual([]);
    expect(readdirSync(lab.folder).filter((n) => n.includes('aside') || n.includes('stepping'))).toEqual([]);
  });

  it('migrates the copy anew when the newer program comes back later; the alert ends', async () => {
    const lab = storeLab();
    migrated(lab);
    lab.open().close();
    const newer = lab.open({ migrations: NEWER });
    expect(newer.schemaVersion()).toBe(KNOWN + 1);
    expect(newer.steppedBack()).toBeNull();
    expect(await newer.audit.verify()).toMatchObject({ intact: true, entries: 6 });
    expect(newer.check()).toEqual([]);
  });
});

describe('nothing is put back that is not what it should be', () => {
  it('a damaged copy, one of another schema, none at all: refused, and nothing is moved', () => {
    for (const spoil of [
      (copy: string): void => truncateSync(copy, 20_000),
      (copy: string): void => writeFileSync(copy, 'not a database at all, but long enough to be looked at'.repeat(200)),
      (copy: string): void => tamper(copy, 'PRAGMA user_version = 77'),
      (copy: string): void => rmSync(copy),
    ]) {
      const lab = storeLab();
      migrated(lab);
      spoil(`${lab.path}.schema-${KNOWN}`);
      const before = readFileSync(lab.path);
      expect(refusalOf(() => lab.open()).refusal).toMatchObject({ code: 'conflict', what: 'open the database' });
      expect(readFileSync(lab.path).equals(before)).toBe(true);
      expect(readdirSync(lab.folder).filter((n) => n.includes('aside') || n.includes('stepping'))).toEqual([]);
      const newer = lab.open({ migrations: NEWER });
      expect(newer.audit.count()).toBe(8);
    }
  });

  it('a copy whose audit log was cut shows it: the seal that was made with it says how long it was', () => {
    const lab = storeLab();
    migrated(lab);
    tamper(`${lab.path}.schema-${KNOWN}`, 'DELETE FROM audit WHERE seq > 3');
    const store = lab.open();
    expect(store.check().join()).toMatch(/audit: entries \d+ to 5 are missing|entry 5 is not the one that was sealed/);
    expect(store.audit.page(null, 1)[0]?.detail).toMatchObject({ cut: { seq: 3 }, newer: { seq: 8 } });
  });

  it('a copy with an entry that was changed is found by the chain', async () => {
    const lab = storeLab();
    migrated(lab);
    tamper(`${lab.path}.schema-${KNOWN}`, "UPDATE audit SET subject = 'other' WHERE seq = 2");
    expect(await lab.open().audit.verify()).toMatchObject({ intact: false, brokenAt: 2 });
  });

  it('a copy without its seal is not given a new one', () => {
    const lab = storeLab();
    migrated(lab);
    rmSync(`${lab.path}.schema-${KNOWN}.seal`);
    expect(lab.open().check().join()).toMatch(/entries 7 to 8 are missing from the end: 8 were sealed|entry 8/);
  });

  it('evidence survives a migration: a seal that did not fit before does not fit after', () => {
    const lab = storeLab();
    const old = openStore(lab.options);
    fill(old, 5, 'before');
    old.close();
    tamper(lab.path, 'DELETE FROM audit WHERE seq > 3');
    openStore({ ...lab.options, migrations: NEWER }).close();
    expect(lab.open().check().join()).toMatch(/audit: /);
  });

  it('a chain that is not the one that went on is told as such', () => {
    const lab = storeLab();
    migrated(lab);
    tamper(lab.path, "UPDATE audit SET hmac = substr(hmac, 2) || '0' WHERE seq = 5");
    expect(lab.open().audit.page(null, 1)[0]?.detail).toMatchObject({ continues: false });
  });
});
