import { expect, test } from 'vitest';
import { verdictOf } from './verdict.ts';

const pool = (name: string, health: string, meaning = 'healthy') => ({ name, health, meaning });

test('the worst comes first', () => {
  const pools = [pool('a', 'ONLINE'), pool('b', 'DEGRADED', 'the next failure loses it'), pool('c', 'FAULTED', 'not available')];
  expect(verdictOf({ pools, stuck: [] })).toMatchObject({ tone: 'bad', title: 'c cannot be read', meaning: 'not available' });
  expect(verdictOf({ pools: pools.slice(0, 2), stuck: [] })).toMatchObject({ tone: 'warn', meaning: 'the next failure loses it' });
  expect(verdictOf({ pools: pools.slice(0, 1), stuck: [] })).toMatchObject({ tone: 'ok', title: 'Your data is safe' });
});

test('a pool that does not answer is not safe, whatever the others say', () => {
  expect(verdictOf({ pools: [pool('a', 'ONLINE')], stuck: [{ pool: 'b' }] })).toMatchObject({ tone: 'bad', title: 'b cannot be read' });
});

test('damaged files are no health', () => {
  expect(verdictOf({ pools: [pool('a', 'ONLINE', 'readable, but 3 files are damaged')], stuck: [] }).tone).toBe('warn');
});

test('nothing yet', () => {
  expect(verdictOf({ pools: [], stuck: [] }).tone).toBe('idle');
});
