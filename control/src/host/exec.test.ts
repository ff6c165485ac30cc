import { mkdtemp, readdir, readFile, rm, stat, mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { realHost } from './exec.ts';

const host = realHost();
const node = (script: string, ...args: string[]): string[] => [process.execPath, '-e', script, ...args];
const folder = await mkdtemp(join(tmpdir(), 'dplane-exec-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('run', () => {
  test('an argv is an argv: nothing in it is syntax', async () => {
    const words = ['$(id)', '; rm -rf /', '`id`', '*', '', "a'b", '-n'];
    const r = await host.run(node('process.stdout.write(JSON.stringify(process.argv.slice(1)))', '--', ...words), { timeoutMs: 20_000 });
    expect(r).toMatchObject({ exit: 0, failure: null });
    expect(JSON.parse(r.stdout)).toEqual(words);
  });
  test('our environment stays here', async () => {
    process.env.DPLANE_TEST_SECRET = 'hidden';
    const r = await host.run(node('process.stdout.write(JSON.stringify(process.env))'), { timeoutMs: 20_000 });
    expect(Object.keys(JSON.parse(r.stdout)).sort()).toEqual(['LC_ALL', 'PATH', 'TZ']);
    expect(JSON.parse(r.stdout).LC_ALL).toBe('C');
  });
  test('exit codes, stderr and input arrive', async () => {
    const r = await host.run(node('process.stdin.on("data", (d) => process.stderr.write(d)).on("end", () => process.exit(7))'), {
      timeoutMs: 20_000,
      input: 'said',
    });
    expect(r).toMatchObject({ exit: 7, failure: null, stdout: '', stderr: 'said' });
  });
  test('a missing tool is an answer', async () => {
    expect(await host.run(['dplane-no-such-tool'], { timeoutMs: 20_000 })).toMatchObject({ exit: null, failure: 'missing' });
    expect(await host.run([join(folder, 'nothing')], { timeoutMs: 20_000 })).toMatchObject({ exit: null, failure: 'missing' });
  });
  test('a file that is no program is an answer too', async () => {
    await host.writeText(join(folder, 'text'), 'no program', 0o600);
    expect(await host.run([join(folder, 'text')], { timeoutMs: 20_000 })).toMatchObject({ exit: null, failure: 'spawn' });
  });
  test('the time limit ends it', async () => {
    expect(await host.run(['sleep', '600'], { timeoutMs: 100 })).toMatchObject({ exit: null, failure: 'timeout' });
  });
  test('what ignores SIGTERM is killed, and can be asked again', async () => {
    const stubborn = node('process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); process.stdout.write(String(process.pid))');
    const r = await host.run(stubborn, { timeoutMs: 1_500 });
    expect(r.failure).toBe('timeout');
    await vi.waitFor(() => expect(() => process.kill(Number(r.stdout), 0)).toThrow(), { timeout: 20_000 });
    expect((await host.run(stubborn, { timeoutMs: 1_500 })).stderr).not.toContain('still hangs');
  });
  test('abort, before and while it runs', async () => {
    const stop = new AbortController();
    const running = host.run(['sleep', '600'], { timeoutMs: 60_000, signal: stop.signal });
    stop.abort();
    expect(await running).toMatchObject({ failure: 'aborted' });
    expect(await host.run(['sleep', '600'], { timeoutMs: 60_000, signal: stop.signal })).toMatchObject({ failure: 'aborted' });
  });
  test('too much output is cut off; a signal is told', async () => {
    expect(await host.run(['yes'], { timeoutMs: 60_000, maxOutput: 10_000 })).toMatchObject({ exit: null, failure: 'too-large' });
    expect(await host.run(node('process.kill(process.pid, "SIGKILL")'), { timeoutMs: 20_000 })).toMatchObject({
      exit: null,
      failure: 'killed',
    });
  });
});

describe('lines', () => {
  test('streams: many lines, the end comes back', async () => {
    let n = 0;
    let wrong = 0;
    const before = process.memoryUsage().rss;
    let most = before;
    const source = host.lines(['seq', '1', '1000000'], { timeoutMs: 240_000 });
    for (;;) {
      const next = await source.next();
      if (next.done) {
        expect(next.value).toMatchObject({ exit: 0, failure: null, stdout: '' });
        break;
      }
      n += 1;
      if (next.value !== String(n)) wrong += 1;
      if (n % 50_000 === 0) most = Math.max(most, process.memoryUsage().rss);
    }
    expect({ n, wrong }).toEqual({ n: 1_000_000, wrong: 0 });
    expect(most - before).toBeLessThan(150 * 1024 ** 2);
  }, 240_000);
  test('a reader that waits makes the process wait', async () => {
    // it tells through a file how far it came
    const progress = join(folder, 'progress');
    const script = `const fs = require('node:fs'); const line = 'x'.repeat(1023) + '\\n'; for (let i = 0; i < 100000; i += 1) { fs.writeSync(1, line); if (i % 16 === 0) fs.writeFileSync(process.argv[1], String(i)); }`;
    const source = host.lines(node(script, progress), { timeoutMs: 60_000 });
    await source.next();
    let last = -1;
    await vi.waitFor(
      async () => {
        const now = Number(await readFile(progress, 'utf8'));
        const same = now === last;
        last = now;
        expect(same).toBe(true);
      },
      { timeout: 20_000, interval: 300 },
    );
    expect(last).toBeLessThan(20_000);
    await source.return({ argv: [], exit: null, failure: null, stdout: '', stderr: '', durationMs: 0 });
  });
  test('left early, the process is stopped', async () => {
    const marker = `left-${process.pid}`;
    for await (const line of host.lines(['yes', marker], { timeoutMs: 60_000 })) {
      expect(line).toBe(marker);
      break;
    }
    await vi.waitFor(
      async () => {
        for (const pid of (await readdir('/proc')).filter((p) => /^[0-9]+$/.test(p))) {
          const cmdline = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
          expect(cmdline).not.toBe(`yes\0${marker}\0`);
        }
      },
      { timeout: 20_000 },
    );
  });
  test('missing, time limit, limit of output', async () => {
    const end = async (argv: string[], o: { timeoutMs: number; maxOutput?: number }): Promise<unknown> => {
      const source = host.lines(argv, o);
      for (;;) {
        const next = await source.next();
        if (next.done) return next.value.failure;
      }
    };
    expect(await end(['dplane-no-such-tool'], { timeoutMs: 20_000 })).toBe('missing');
    expect(await end(['sleep', '600'], { timeoutMs: 100 })).toBe('timeout');
    expect(await end(['yes'], { timeoutMs: 60_000, maxOutput: 1_000 })).toBe('too-large');
  });
});

describe('files', () => {
  test('written whole, with its mode, and nothing beside it', async () => {
    const inside = join(folder, 'files');
    await mkdir(inside);
    const path = join(inside, 'conf');
    await host.writeText(path, 'one', 0o644);
    await host.writeText(path, 'two', 0o640);
    expect(await host.readText(path)).toBe('two');
    expect((await stat(path)).mode & 0o777).toBe(0o640);
    expect(await host.list(inside)).toEqual(['conf']);
    // a folder can't be replaced by a file: the old one stays, the new one leaves nothing
    await mkdir(join(inside, 'dir'));
    await expect(host.writeText(join(inside, 'dir'), 'x', 0o644)).rejects.toThrow();
    expect((await host.list(inside))?.sort()).toEqual(['conf', 'dir']);
  });
  test('what is not there is null', async () => {
    expect(await host.readText(join(folder, 'no'))).toBeNull();
    expect(await host.list(join(folder, 'no'))).toBeNull();
  });
});

describe('connect', () => {
  test('to a unix socket: bytes arrive and end; nobody there is an answer, not an error', async () => {
    const path = join(folder, 'sock');
    expect(await host.connect(path)).toBeNull();
    const parts: Buffer[] = [];
    let ended: () => void = () => {};
    const all = new Promise<void>((resolve) => {
      ended = resolve;
    });
    const server = createServer((socket) => socket.on('data', (d: Buffer) => parts.push(d)).on('end', ended));
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const stream = await host.connect(path);
    stream?.write('one ');
    stream?.end('two');
    await all;
    expect(Buffer.concat(parts).toString()).toBe('one two');
    await new Promise((resolve) => server.close(resolve));
    // what is left of one that was killed
    await mkdir(join(folder, 'old'));
    const stale = node(
      'require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))',
      join(folder, 'old', 's'),
    );
    await host.run(stale, { timeoutMs: 20_000 });
    expect(await readdir(join(folder, 'old'))).toEqual(['s']);
    expect(await host.connect(join(folder, 'old', 's'))).toBeNull();
  });
});
