import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import type { Event } from '../domain/event/event.ts';
import { RefusalError } from '../domain/refusal.ts';
import { MIGRATIONS, migrate } from './migrate.ts';
import { openStore } from './store.ts';
import { anEntry, anEvent, storeLab, tamper } from './store.testing.ts';

const refusalOf = (work: () => unknown): RefusalError => {
  try {
    work();
  } catch (error) {
    if (error instanceof RefusalError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};

describe('transact', () => {
  it('publishes after the commit, in order, with the rows readable', () => {
    const store = storeLab().open();
    const heard: [number, boolean][] = [];
    let inside = true;
    store.events.subscribe((e) => heard.push([e.seq, inside]));
    store.transact(() => {
      store.events.append(anEvent());
      store.transact(() => store.events.append(anEvent()));
      store.events.append(anEvent());
      expect(heard).toEqual([]);
      inside = false;
    });
    expect(heard).toEqual([
      [1, false],
      [2, false],
      [3, false],
    ]);
  });

  it('leaves nothing of a failed transaction: no row, no event, no audit entry, and the chain goes on', async () => {
    const store = storeLab().open();
    const heard: Event[] = [];
    store.events.subscribe((e) => heard.push(e));
    store.audit.append(anEntry());
    expect(() =>
      store.transact(() => {
        store.settings.set('a', '1');
        store.events.append(anEvent());
        store.audit.append(anEntry());
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(store.settings.get('a')).toBeNull();
    expect(heard).toEqual([]);
    expect(store.audit.count()).toBe(1);
    expect(store.audit.append(anEntry()).seq).toBe(2);
    expect(await store.audit.verify()).toMatchObject({ intact: true, entries: 2 });
  });

  it('leaves nothing of a nested failure that the outer one survives', async () => {
    const store = storeLab().open();
    const heard: string[] = [];
    store.events.subscribe((e) => heard.push(e.message));
    store.transact(() => {
      store.events.append(anEvent({ message: 'before' }));
      store.audit.append(anEntry());
      expect(() =>
        store.transact(() => {
          store.events.append(anEvent({ message: 'lost' }));
          store.audit.append(anEntry());
          throw new Error('no');
        }),
      ).toThrow('no');
      store.events.append(anEvent({ message: 'behind' }));
      store.audit.append(anEntry());
    });
    expect(heard).toEqual(['before', 'behind']);
    expect(await store.audit.verify()).toMatchObject({ intact: true, entries: 2 });
  });

  it('refuses work that would go on after the commit', () => {
    const store = storeLab().open();
    expect(() => store.transact(async () => store.settings.set('a', '1'))).toThrow(TypeError);
    expect(store.settings.get('a')).toBeNull();
  });

  it('lets a throwing subscriber hurt nobody, and keeps the order when a subscriber appends', () => {
    const store = storeLab().open();
    const heard: string[] = [];
    store.events.subscribe((e) => {
      if (e.message === 'first') store.events.append(anEvent({ message: 'answer' }));
      throw new Error('a bad listener');
    });
    const leave = store.events.subscribe((e) => heard.push(e.message));
    store.transact(() => {
      store.events.append(anEvent({ message: 'first' }));
      store.events.append(anEvent({ message: 'second' }));
    });
    expect(heard).toEqual(['first', 'second', 'answer']);
    leave();
    store.events.append(anEvent());
    expect(heard).toHaveLength(3);
  });
});

describe('opening', () => {
  it('keeps everything over a restart, in a file that only its owner reads', () => {
    const lab = storeLab();
    const first = openStore(lab.options);
    first.settings.set('a', '1');
    first.events.append(anEvent());
    first.close();
    const second = lab.open();
    expect(second.settings.get('a')).toBe('1');
    expect(second.events.lastSeq()).toBe(1);
    expect(second.schemaVersion()).toBe(MIGRATIONS.length);
    expect(second.check()).toEqual([]);
    expect(statSync(lab.path).mode & 0o777).toBe(0o600);
    expect(statSync(`${lab.path}-wal`).mode & 0o777).toBe(0o600);
  });

  it('refuses a newer schema, says who made it, and changes nothing', () => {
    const lab = storeLab();
    openStore(lab.options).close();
    tamper(lab.path, "INSERT INTO schema_history VALUES (99, 'later', '7.3.1', 0)", 'PRAGMA user_version = 99');
    const before = readFileSync(lab.path);
    const { refusal } = refusalOf(() => openStore(lab.options));
    expect(refusal.why).toContain('schema 99, made by D-PlaneOS 7.3.1');
    expect(refusal.code).toBe('conflict');
    expect(readFileSync(lab.path).equals(before)).toBe(true);
  });

  it('refuses a damaged file', () => {
    const lab = storeLab();
    const store = openStore(lab.options);
    for (let i = 0; i < 200; i += 1) store.events.append(anEvent({ message: `event ${i} `.repeat(20) }));
    store.close();
    const bytes = readFileSync(lab.path);
    bytes.fill(0xff, 4096 * 3, 4096 * 40);
    writeFileSync(lab.path, bytes);
    expect(refusalOf(() => openStore(lab.options)).refusal.why).toContain('is damaged');
    writeFileSync(lab.path, 'this is not a database, but it is long enough to be looked at as if it were one'.repeat(50));
    expect(refusalOf(() => openStore(lab.options)).refusal.why).toContain('is damaged');
  });

  it('throws a damaged snapshot index away, and only that', () => {
    const lab = storeLab();
    const store = openStore(lab.options);
    store.settings.set('a', '1');
    store.close();
    writeFileSync(`${lab.path}.snapshots`, 'no database');
    const again = lab.open();
    expect(again.settings.get('a')).toBe('1');
    expect(again.snapshots.page({ offset: 0, limit: 1 })).toEqual({ total: 0, rows: [] });
  });

  it('refuses a short audit key', () => {
    expect(() => openStore({ ...storeLab().options, auditKey: Buffer.alloc(16) })).toThrow(RangeError);
  });
});

describe('migrations', () => {
  it('keep a copy of what they change, and leave nothing of one that fails', () => {
    const lab = storeLab();
    const store = openStore(lab.options);
    store.settings.set('a', '1');
    store.close();
    const raw = new Database(lab.path);
    const broken = [...MIGRATIONS, { name: 'broken', sql: 'CREATE TABLE extra (a TEXT); CREATE TABLE extra (a TEXT)' }];
    expect(() => migrate(raw, lab.path, 0, broken)).toThrow('already exists');
    expect(raw.pragma('user_version', { simple: true })).toBe(MIGRATIONS.length);
    expect(raw.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'extra'").pluck().get()).toBe(0);
    migrate(raw, lab.path, 5, [...MIGRATIONS, { name: 'good', sql: 'CREATE TABLE extra (a TEXT); DELETE FROM settings' }]);
    expect(raw.prepare('SELECT version, name FROM schema_history').all()).toEqual([
      ...MIGRATIONS.map(({ name }, i) => ({ version: i + 1, name })),
      { version: MIGRATIONS.length + 1, name: 'good' },
    ]);
    raw.close();
    copyFileSync(`${lab.path}.schema-${MIGRATIONS.length}`, lab.path);
    expect(lab.open().settings.get('a')).toBe('1');
  });
});

describe('backup', () => {
  it('makes whole copies while writing goes on, and keeps the newest', async () => {
    let now = 1_800_000_000_000;
    const lab = storeLab(() => now);
    const store = lab.open();
    for (let i = 0; i < 500; i += 1) store.events.append(anEvent({ message: 'x'.repeat(1000) }));
    const folder = join(lab.folder, 'copies');
    const running = store.backup(folder, 2);
    store.settings.set('during', '1');
    const first = await running;
    for (let i = 0; i < 2; i += 1) {
      now += 1000;
      await store.backup(folder, 2);
    }
    expect(existsSync(first)).toBe(false);
    const [one, two] = ['dplane-2027-01-15T08-00-01.000Z.db', 'dplane-2027-01-15T08-00-02.000Z.db'];
    expect(readdirSync(folder)).toEqual([one, `${one}.seal`, two, `${two}.seal`]);
    const copy = lab.open({ path: join(folder, two ?? ''), sealPath: join(folder, `${two}.seal`) });
    expect(copy.events.lastSeq()).toBe(500);
    expect(copy.settings.get('during')).toBe('1');
    expect(copy.check()).toEqual([]);
  });

  it('never counts a half copy', async () => {
    const lab = storeLab();
    const folder = join(lab.folder, 'copies');
    const store = lab.open();
    const whole = await store.backup(folder, 1);
    const half = join(folder, 'dplane-2030-01-01T00-00-00.000Z.db.part');
    copyFileSync(whole, half);
    truncateSync(half, 5000);
    await store.backup(folder, 1);
    const name = 'dplane-2027-01-15T08-00-00.000Z.db';
    expect(readdirSync(folder)).toEqual([name, `${name}.seal`]);
  });
});

describe('check', () => {
  it('tells what the tables no longer promise each other', () => {
    const lab = storeLab();
    const store = lab.open();
    store.events.append(anEvent());
    store.audit.append(anEntry());
    expect(store.check()).toEqual([]);
    tamper(
      lab.path,
      'DROP TRIGGER events_fts_drop; DELETE FROM events',
      "INSERT INTO runs (id, plan_digest, actor, state, started_at, account) VALUES ('r', '', '', 'failed', 0, '')",
    );
    expect(store.check()).toEqual([
      'the search index of the events does not fit them',
      'a run has ended without a time, or has a time and has not ended',
    ]);
  });
});
