import { describe, expect, it } from 'vitest';
import { type DesiredState, EMPTY_STATE } from '../domain/state/state.ts';
import type { Properties } from '../domain/property/property.ts';
import { driftBetween, nextBaseline, withUnknown } from './drift.ts';

const dataset = (name: string, guid: string, properties: Properties = {}) => ({ name, guid, kind: 'filesystem' as const, properties });
const state = (...datasets: DesiredState['datasets']): DesiredState => ({ ...EMPTY_STATE, datasets });
const none = new Set<string>();

describe('drift', () => {
  it('finds nothing between equal states', () => {
    const s = state(dataset('tank/a', '1', { quota: '10' }));
    expect(driftBetween(s, structuredClone(s), none)).toEqual([]);
  });

  it('tells a rename by guid, not as a loss and a find', () => {
    const items = driftBetween(state(dataset('tank/a', '1')), state(dataset('tank/b', '1')), none);
    expect(items).toEqual([{ noun: 'dataset', name: 'tank/a', what: 'renamed', message: 'dataset tank/a is now named tank/b' }]);
  });

  it('notices another dataset under the old name', () => {
    const items = driftBetween(state(dataset('tank/a', '1')), state(dataset('tank/a', '2')), none);
    expect(items.map((i) => i.what)).toEqual(['changed']);
    expect(items[0]?.message).toContain('another dataset');
  });

  it('notices a local value that appeared, changed and vanished, of any managed property', () => {
    const items = driftBetween(
      state(dataset('tank/a', '1', { exec: 'off', quota: '10' })),
      state(dataset('tank/a', '1', { quota: '20', sync: 'disabled' })),
      none,
    );
    expect(items[0]?.message).toBe('exec was off, is not set here; quota was 10, is 20; sync was not set here, is disabled');
  });

  it('says nothing about a pool that does not answer', () => {
    expect(driftBetween(state(dataset('tank/a', '1'), dataset('fast/x', '2')), state(), new Set(['tank'])).map((i) => i.name)).toEqual([
      'fast/x',
    ]);
  });

  it('keeps what someone else changed as drift after a run of ours', () => {
    const baseline = state(dataset('tank/a', '1'), dataset('tank/b', '2'), dataset('tank/c', '3'));
    const before = state(dataset('tank/a2', '1'), dataset('tank/b', '2', { atime: 'off' }), dataset('tank/extra', '9'));
    const drift = driftBetween(baseline, before, none);
    const after = state(...before.datasets, dataset('tank/mine', '4'));
    const next = nextBaseline(baseline, drift, new Set(['dataset tank/mine']), after);
    expect(
      driftBetween(next, after, none)
        .map((i) => `${i.what} ${i.name}`)
        .sort(),
    ).toEqual(drift.map((i) => `${i.what} ${i.name}`).sort());
    const adopted = nextBaseline(baseline, drift, new Set(['dataset tank/mine', 'dataset tank/b']), after);
    expect(driftBetween(adopted, after, none).map((i) => i.name)).not.toContain('tank/b');
  });

  it('keeps what was known of a pool that stopped answering', () => {
    const old = state(dataset('tank/a', '1'), dataset('fast/x', '2'));
    const kept = withUnknown(old, state(dataset('fast/y', '3')), new Set(['tank']));
    expect(kept.datasets.map((d) => d.name)).toEqual(['fast/y', 'tank/a']);
  });
});
