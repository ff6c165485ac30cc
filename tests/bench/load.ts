/** Load by wrk: bounded in time, loopback only. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export type Load = { p50: number; requestsPerSecond: number; requests: number };

const MS: Record<string, number> = { us: 0.001, ms: 1, s: 1000, m: 60_000 };

export const parseWrk = (text: string): Load => {
  const p50 = /^\s+50%\s+([\d.]+)(us|ms|s|m)$/m.exec(text);
  const rate = /^Requests\/sec:\s+([\d.]+)$/m.exec(text)?.[1];
  const requests = /^\s+(\d+) requests in /m.exec(text)?.[1];
  const failed = /^\s+(Socket errors:.*|Non-2xx.*)$/m.exec(text)?.[1];
  if (failed !== undefined) throw new Error(`under load: ${failed.trim()}`);
  if (!p50 || rate === undefined || requests === undefined) throw new Error(`wrk was not understood:\n${text}`);
  return { p50: Number(p50[1]) * (MS[p50[2] ?? ''] ?? Number.NaN), requestsPerSecond: Number(rate), requests: Number(requests) };
};

export const load = async (url: string, connections: number, seconds: number, headers: Record<string, string>): Promise<Load> => {
  if (!/^https?:\/\/127\.0\.0\.1:/.test(url)) throw new Error(`${url} is not on loopback`);
  const named = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  // one thread of wrk: the machine's other core belongs to what is measured
  const argv = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '30s', '--latency', ...named, url];
  const child = spawn('wrk', argv, { stdio: ['ignore', 'pipe', 'inherit'], timeout: (seconds + 60) * 1000 });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`wrk ended with ${code}\n${text}`);
  return parseWrk(text);
};
