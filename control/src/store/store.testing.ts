/** Stores in folders of their own, for tests. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { onTestFinished } from 'vitest';
import type { NewAuditEntry } from '../domain/audit/audit.ts';
import type { NewEvent } from '../domain/event/event.ts';
import { openStore, type StoreOptions } from './store.ts';
import type { Store } from './types.ts';

export const KEY = Buffer.alloc(32, 7);

export const tempFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'dplane-store-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

export type Lab = {
  folder: string;
  path: string;
  sealPath: string;
  options: StoreOptions;
  open: (change?: Partial<StoreOptions>) => Store;
};

/** Time stands still unless the test moves it. */
export const storeLab = (clock = () => 1_800_000_000_000): Lab => {
  const folder = tempFolder();
  const path = join(folder, 'dplane.db');
  const sealPath = join(folder, 'audit.seal');
  const options: StoreOptions = { path, auditKey: KEY, sealPath, clock };
  return {
    folder,
    path,
    sealPath,
    options,
    open: (change = {}) => {
      const store = openStore({ ...options, ...change });
      onTestFinished(() => store.close());
      return store;
    },
  };
};

/** Another hand on the database, as someone with the disk in hand has. */
export const tamper = (path: string, ...statements: string[]): void => {
  const raw = new Database(path);
  for (const text of statements) raw.exec(text);
  raw.close();
};

export const anEvent = (change: Partial<NewEvent> = {}): NewEvent => ({
  kind: 'dataset.changed',
  severity: 'info',
  subject: 'dataset:tank/media',
  message: 'compression was set to zstd',
  actor: 'alice',
  data: {},
  ...change,
});

export const anEntry = (change: Partial<NewAuditEntry> = {}): NewAuditEntry => ({
  actor: { kind: 'user', name: 'alice', via: 'web 192.0.2.7' },
  action: 'dataset.set',
  subject: 'dataset:tank/media',
  outcome: 'succeeded',
  reason: 'permission storage.write',
  detail: { property: 'compression', to: 'zstd' },
  ...change,
});
