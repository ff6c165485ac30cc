/**
 * What systemd is told about the daemon: ready, stopping, still alive. Node can't send datagrams to the notify socket, so
 * `systemd-notify` does (a few milliseconds each); outside systemd all of it does nothing.
 */
import type { Host } from './host/host.ts';

const SEND_MS = 30_000;

export type Notify = {
  ready(): Promise<void>;
  /** Also ends the watchdog. */
  stopping(): Promise<void>;
  /** Pings three times per WatchdogSec for as long as the event loop turns and `check` says that the rest is alive. */
  startWatchdog(check: () => boolean): void;
};

export const systemdNotify = (host: Host, env: NodeJS.ProcessEnv = process.env): Notify => {
  const socket = env.NOTIFY_SOCKET;
  const watchdogMs = Number(env.WATCHDOG_USEC ?? 0) / 1000;
  let timer: NodeJS.Timeout | undefined;
  let sending = false;
  // on a machine that is busy to the last, starting a process takes long; the next ping has its own time
  const timeoutMs = Math.max(SEND_MS, watchdogMs / 4);

  const send = async (...words: string[]): Promise<void> => {
    if (!socket) return;
    const r = await host.run(['env', `NOTIFY_SOCKET=${socket}`, 'systemd-notify', ...words], { timeoutMs });
    if (r.exit !== 0) process.stderr.write(`<4>systemd-notify ${words.join(' ')}: ${r.failure ?? r.stderr.trim()}\n`);
  };
  const alive = (check: () => boolean): boolean => {
    try {
      return check();
    } catch (error) {
      process.stderr.write(`<3>the watchdog is not fed: ${error instanceof Error ? error.message : String(error)}\n`);
      return false;
    }
  };

  return {
    ready: () => send('--ready'),
    stopping: () => {
      clearInterval(timer);
      return send('STOPPING=1');
    },
    startWatchdog: (check) => {
      if (!socket || !(watchdogMs > 0) || timer) return;
      timer = setInterval(() => {
        if (sending || !alive(check)) return;
        sending = true;
        void send('WATCHDOG=1').finally(() => {
          sending = false;
        });
      }, watchdogMs / 3);
      timer.unref();
    },
  };
};
