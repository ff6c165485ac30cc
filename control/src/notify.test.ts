import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Host } from './host/host.ts';
import { systemdNotify } from './notify.ts';

const recorder = (): { host: Host; sent: string[]; limits: number[]; settle: () => void } => {
  const sent: string[] = [];
  const limits: number[] = [];
  let settle: () => void = () => {};
  const host: Host = {
    simulated: false,
    get files(): never {
      throw new Error('no files here');
    },
    run: (argv, { timeoutMs }) => {
      limits.push(timeoutMs);
      sent.push(argv.join(' '));
      return new Promise((resolve) => {
        settle = () => resolve({ argv, exit: 0, failure: null, stdout: '', stderr: '', durationMs: 1 });
        if (argv.at(-1) !== 'WATCHDOG=1') settle();
      });
    },
    lines: () => {
      throw new Error('not asked for');
    },
    connect: async () => null,
    readText: async () => null,
    writeText: async () => {},
    list: async () => null,
  };
  return { host, sent, limits, settle: () => settle() };
};
const ENV = { NOTIFY_SOCKET: '/run/systemd/notify', WATCHDOG_USEC: '30000000' };
const PING = 'env NOTIFY_SOCKET=/run/systemd/notify systemd-notify WATCHDOG=1';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('pings three times per limit, and says ready and stopping', async () => {
  const { host, sent, settle } = recorder();
  const notify = systemdNotify(host, ENV);
  await notify.ready();
  notify.startWatchdog(() => true);
  await vi.advanceTimersByTimeAsync(10_000);
  settle();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(sent).toEqual(['env NOTIFY_SOCKET=/run/systemd/notify systemd-notify --ready', PING, PING]);
  await notify.stopping();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sent.slice(3)).toEqual(['env NOTIFY_SOCKET=/run/systemd/notify systemd-notify STOPPING=1']);
});

test('does not ping while the check fails or throws, and pings again when it holds', async () => {
  const { host, sent } = recorder();
  let check = (): boolean => false;
  const notify = systemdNotify(host, ENV);
  notify.startWatchdog(() => check());
  await vi.advanceTimersByTimeAsync(60_000);
  check = () => {
    throw new Error('database is locked');
  };
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sent).toEqual([]);
  check = () => true;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(sent).toEqual([PING]);
});

test('a ping that hangs is not followed by others', async () => {
  const { host, sent, settle } = recorder();
  systemdNotify(host, ENV).startWatchdog(() => true);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sent).toEqual([PING]);
  settle();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(sent).toEqual([PING, PING]);
});

test('does nothing outside systemd, or without a limit', async () => {
  const { host, sent } = recorder();
  const outside = systemdNotify(host, {});
  await outside.ready();
  outside.startWatchdog(() => true);
  systemdNotify(host, { NOTIFY_SOCKET: '/run/systemd/notify' }).startWatchdog(() => true);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sent).toEqual([]);
});

test('a ping may take a good part of the limit: a machine that is only slow keeps its control plane', async () => {
  const { host, limits } = recorder();
  systemdNotify(host, { ...ENV, WATCHDOG_USEC: '180000000' }).startWatchdog(() => true);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(limits).toEqual([45_000]);
});
