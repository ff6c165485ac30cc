import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openStore } from './store.ts';
import { anEntry, anEvent, storeLab } from './store.testing.ts';

describe('events', () => {
  it('are read forward and backward, filtered', () => {
    const { events } = storeLab().open();
    for (let i = 1; i <= 9; i += 1)
      events.append(
        anEvent({
          kind: i % 2 === 0 ? 'pool.changed' : 'dataset.changed',
          severity: i % 3 === 0 ? 'critical' : i % 3 === 1 ? 'warning' : 'info',
          subject: i > 5 ? 'pool:tank' : 'dataset:tank/media',
          data: { i },
        }),
      );
    const seqs = (list: { seq: number }[]): number[] => list.map((e) => e.seq);
    expect(seqs(events.after(0, 100))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(seqs(events.after(3, 2))).toEqual([4, 5]);
    expect(seqs(events.before(null, 3))).toEqual([9, 8, 7]);
    expect(seqs(events.before(4, 10))).toEqual([3, 2, 1]);
    expect(seqs(events.after(0, 9, { kinds: ['pool.changed'] }))).toEqual([2, 4, 6, 8]);
    expect(seqs(events.after(0, 9, { kinds: [] }))).toEqual([]);
    expect(seqs(events.after(0, 9, { minSeverity: 'warning', subject: 'pool:tank' }))).toEqual([6, 7, 9]);
    expect(seqs(events.before(null, 9, { minSeverity: 'critical', text: 'med' }))).toEqual([3]);
    expect(events.after(8, 1)[0]?.data).toEqual({ i: 9 });
  });

  it('never use a number twice, though all were pruned and the process began again', () => {
    const lab = storeLab();
    const first = openStore(lab.options);
    for (let i = 0; i < 5; i += 1) first.events.append(anEvent());
    expect(first.events.prune(2)).toBe(3);
    expect(first.events.prune(2)).toBe(0);
    expect(first.events.prune(0)).toBe(2);
    expect(first.check()).toEqual([]);
    first.close();
    const second = lab.open();
    expect(second.events.lastSeq()).toBe(5);
    expect(second.events.append(anEvent()).seq).toBe(6);
    expect(second.events.after(0, 10, { text: 'compression' })).toHaveLength(1);
  });
});

describe('searching', () => {
  it('finds words by their beginning, all of them, in any language', () => {
    const { events, audit } = storeLab().open();
    events.append(anEvent({ message: 'Größe geändert: 10G', subject: 'dataset:tank/Filme' }));
    events.append(anEvent({ message: 'snapshot auto-2026-11-20 was made' }));
    audit.append(anEntry({ reason: 'approval 123 by bob', detail: { note: 'ticket-77' } }));
    expect(events.after(0, 9, { text: 'gröss' })).toHaveLength(0);
    for (const text of ['größ', 'GEÄNDERT 10', 'tank/fil', 'filme größe']) expect(events.after(0, 9, { text })).toHaveLength(1);
    for (const text of ['auto-2026', 'made snap', '2026-11-20', ' ']) expect(events.before(null, 9, { text }).length).toBeGreaterThan(0);
    expect(audit.page(null, 9, 'approval bo')).toHaveLength(1);
    expect(audit.page(null, 9, 'ticket-7')).toHaveLength(1);
    expect(audit.page(1, 9, 'approval')).toHaveLength(0);
  });

  it('never throws, whatever is typed', () => {
    const { events, audit, snapshots } = storeLab().open();
    events.append(anEvent());
    const typed = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '"',
        "'",
        '*',
        'a*',
        '^a',
        'NEAR(a b)',
        'a AND',
        'OR',
        'NOT',
        '-a',
        'a:b',
        '(',
        '{a}:b',
        '\0',
        'a\0b',
        '""',
        '" OR 1',
        '%',
        '\ud800',
        'é',
        'a'.repeat(10_000),
        'b '.repeat(1000),
      ),
    );
    fc.assert(
      fc.property(typed, (text) => {
        events.after(0, 5, { text });
        audit.page(null, 5, text);
        snapshots.page({ text, offset: 0, limit: 5 });
      }),
      { numRuns: 500 },
    );
    expect(events.after(0, 5, { text: 'zstd' })).toHaveLength(1);
  });
});
