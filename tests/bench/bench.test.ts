import { expect, test } from 'vitest';
import { figure, median } from './bench.ts';
import { load, parseWrk } from './load.ts';

const WRK = `Running 3s test @ http://127.0.0.1:1/health
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.77ms  519.48us  15.95ms   93.24%
    Req/Sec    18.22k     1.46k   19.81k    90.32%
  Latency Distribution
     50%  870.00us
     75%    1.83ms
     90%    2.05ms
     99%    3.20ms
  56189 requests in 3.10s, 13.29MB read
Requests/sec:  18125.13
Transfer/sec:      4.29MB
`;

test('wrk is read', () => {
  expect(parseWrk(WRK)).toEqual({ p50: 0.87, requestsPerSecond: 18125.13, requests: 56189 });
  expect(parseWrk(WRK.replace('870.00us', '1.20s')).p50).toBe(1200);
});

test('a load that met errors is no figure', () => {
  expect(() => parseWrk(`${WRK}  Non-2xx or 3xx responses: 12\n`)).toThrow('Non-2xx');
  expect(() => parseWrk(`${WRK}  Socket errors: connect 0, read 3, write 0, timeout 0\n`)).toThrow('Socket errors');
  expect(() => parseWrk('usage: wrk')).toThrow('not understood');
});

test('load stays on this machine', async () => {
  await expect(load('http://192.0.2.1:80/', 1, 1, {})).rejects.toThrow('not on loopback');
  await expect(load('http://127.0.0.1.example.org:80/', 1, 1, {})).rejects.toThrow('not on loopback');
});

test('medians and ratios', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(figure('x', 2, 'ms', 8)).toEqual({ name: 'x', value: 2, unit: 'ms', baseline: 8, ratio: 0.25 });
  expect(figure('x', 2, 'ms')).toEqual({ name: 'x', value: 2, unit: 'ms', baseline: null, ratio: null });
});
