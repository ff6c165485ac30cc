/** Digests of what plans are bound to. SHA-256 throughout. */
import { createHash } from 'node:crypto';
import { canonical } from '../domain/canonical.ts';
import { holdsData } from '../domain/dataset/dataset.ts';
import type { Observed } from '../domain/observed/observed.ts';
import { PROPERTY_NAMES } from '../domain/property/property.ts';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * The part of an observation that a plan depends on. Counters that move by themselves (used, free, scan progress) are
 * left out, so a plan stays valid while data is written; whether a dataset holds data stays in. Fields are joined by
 * characters that no name or value can hold, so no two observations share a text.
 */
export const observationDigest = (o: Observed): string => {
  const hash = createHash('sha256');
  for (const p of o.pools) {
    hash.update(
      canonical([
        p.name,
        p.guid,
        p.health,
        p.options,
        p.settings ?? null,
        p.vdevs.map((v) => [v.kind, v.role, v.guid, v.disks.map((d) => [d.path, d.guid, d.state])]),
      ]),
    );
  }
  let text = '\u0002';
  for (const d of o.datasets) {
    text += `${d.name}\u0000${d.guid}\u0000${d.kind}\u0000${holdsData(d) ? 1 : 0}\u0000${d.origin ?? ''}`;
    if (d.encryption !== 'off') text += `\u0000${d.keyStatus} ${d.keyKind ?? ''} ${d.encryptionRoot ?? ''}`;
    for (const n of PROPERTY_NAMES) {
      const p = d.properties[n];
      if (p !== undefined) text += `\u0000${n}=${p.value}\u0001${p.source}`;
    }
    if (d.permissions) text += `\u0000${d.permissions.owner}:${d.permissions.group} ${d.permissions.mode}`;
    text += '\u0002';
    if (text.length > 65_536) {
      hash.update(text);
      text = '';
    }
  }
  hash.update(text);
  hash.update(canonical(o.shares.map((s) => [s.spec, s.clients.length > 0])));
  if (o.accounts) hash.update(canonical([o.accounts.key, o.accounts.users.map(({ note: _note, ...u }) => u), o.accounts.groups]));
  hash.update(canonical(o.disks.map((d) => [d.path, d.pool, d.foreign, d.system])));
  hash.update(canonical(o.schedules ?? []));
  hash.update(canonical(o.arc?.limit ?? null));
  hash.update(canonical((o.clones ?? []).map((c) => [c.name, c.guid, c.share])));
  hash.update(canonical(o.stuck.map((s) => s.pool)));
  return hash.digest('hex');
};
