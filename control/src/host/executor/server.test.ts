import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { Operation } from '../../domain/operation/operation.ts';
import { clock, approve, exists, guidOf, type Machine, machine, must, NOW, request, smbShare } from '../change/testing.ts';
import { realHost } from '../exec.ts';
import type { Executor } from '../executor.ts';
import type { Host } from '../host.ts';
import { socketExecutor } from './client.ts';
import { type ExecServerOptions, execServer, MAX_LINE } from './server.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const c of cleanups.splice(0).reverse()) await c();
});
const folder = (): string => {
  const at = mkdtempSync(join(tmpdir(), 'dplane-exec-'));
  cleanups.push(() => rmSync(at, { recursive: true }));
  return at;
};

type Started = { executor: Executor; host: Machine; socket: string; at: string; log: string[]; close: () => Promise<void> };
const start = async (more: Partial<ExecServerOptions> & { sim?: Machine } = {}): Promise<Started> => {
  const at = folder();
  const host = more.sim ?? (await machine());
  const log: string[] = [];
  const socket = join(at, 'exec.sock');
  const server = execServer({ host, ledgerFolder: join(at, 'ledger'), clock, log: (line) => log.push(line), ...more });
  await server.listen(socket);
  cleanups.push(() => server.close());
  return { executor: socketExecutor(socket, { timeoutMs: 20_000 }), host, socket, at, log, close: () => server.close() };
};
const destroyOf = async (host: Host, name: string, withSnapshots = false): Promise<Operation> => ({
  kind: 'dataset.destroy',
  name,
  guid: await guidOf(host, name),
  withSnapshots,
});
const destroys = (host: Machine): number => host.ran.filter((argv) => argv[0] === 'zfs' && argv[1] === 'destroy').length;

/** Sends bytes as they are; resolves with everything that came back when the other side hangs up. */
const raw = (socket: string, chunks: readonly (Buffer | string)[], end = true): Promise<string> =>
  new Promise((resolve) => {
    const s = connect({ path: socket });
    let back = '';
    s.on('data', (d) => {
      back += d.toString();
    });
    s.on('error', () => {});
    s.on('close', () => resolve(back));
    s.on('connect', () => {
      for (const c of chunks) s.write(c);
      if (end) s.end();
    });
  });

describe('operations over the socket', () => {
  test('are executed once: the same id gives the recorded answer, also after a restart', async () => {
    const { executor, host, at } = await start();
    const op = await destroyOf(host, 'tank/docs');
    const req = request(op, approve(op));
    expect(await executor.outcome(req.id)).toEqual({ state: 'unknown' });
    expect(await executor.execute(req)).toEqual({
      ok: true,
      result: { guid: (op as { guid: string }).guid, snapshots: 0 },
      replayed: false,
    });
    expect(await executor.execute(req)).toMatchObject({ ok: true, replayed: true });
    await must(host, 'zfs', 'create', 'tank/docs');
    const again = await start({ sim: host, ledgerFolder: join(at, 'ledger') });
    expect(await again.executor.execute(req)).toMatchObject({ ok: true, replayed: true });
    expect(await again.executor.outcome(req.id)).toMatchObject({ state: 'ended', answer: { ok: true } });
    expect(destroys(host)).toBe(1);
    expect(await exists(host, 'tank/docs')).toBe(true);
  });

  test('with the same id at the same time run once', async () => {
    const { executor, host } = await start();
    const req = request({ kind: 'snapshot.create', dataset: 'tank', guid: await guidOf(host, 'tank'), tag: 'one', recursive: false });
    const answers = await Promise.all([executor.execute(req), executor.execute(req), executor.execute(req)]);
    expect(answers.map((a) => a.ok && a.replayed).sort()).toEqual([false, true, true]);
    expect(host.ran.filter((argv) => argv[1] === 'snapshot')).toHaveLength(1);
  });

  test('an approval allows one destroy, for exactly its target', async () => {
    const { executor, host } = await start();
    await must(host, 'zfs', 'create', 'tank/more');
    host.happen({ kind: 'file', path: '/mnt/tank/more/x', size: 1 });
    const docs = await destroyOf(host, 'tank/docs');
    const more = await destroyOf(host, 'tank/more');
    const approval = approve(docs);
    const code = async (op: Operation, a: ReturnType<typeof approve> | null): Promise<string> => {
      const answer = await executor.execute(request(op, a));
      return answer.ok ? 'ok' : answer.refusal.code;
    };
    expect(await code(docs, null)).toBe('needs-approval');
    expect(await code(more, approval)).toBe('needs-approval');
    expect(await code({ ...docs, guid: '1' } as Operation, approval)).toBe('needs-approval');
    expect(await code(docs, { ...approval, expiresAt: NOW })).toBe('stale');
    expect(await code(docs, { ...approval, expiresAt: NOW + 86_400_000 })).toBe('stale');
    expect(await code(docs, { ...approval, operation: 'snapshot.destroy' })).toBe('needs-approval');
    expect(destroys(host)).toBe(0);
    expect(await code(docs, approval)).toBe('ok');
    await must(host, 'zfs', 'create', 'tank/docs');
    expect(await code(docs, approval)).toBe('stale');
    // another plan's dataset of the same name: the approval was for the old guid
    expect(await code(await destroyOf(host, 'tank/docs'), approve(docs))).toBe('needs-approval');
    expect(await exists(host, 'tank/docs')).toBe(true);
  });

  test('two destroys with one approval at the same time: exactly one runs', async () => {
    const { executor, host } = await start();
    await must(host, 'zfs', 'snapshot', 'tank/docs@one');
    const op = await destroyOf(host, 'tank/docs', true);
    const approval = approve(op);
    const answers = await Promise.all([1, 2, 3, 4].map(() => executor.execute(request(op, approval))));
    expect(answers.filter((a) => a.ok)).toHaveLength(1);
    expect(answers.flatMap((a) => (a.ok ? [] : [a.refusal.code]))).toEqual(['stale', 'stale', 'stale']);
    expect(destroys(host)).toBe(2); // its snapshot, itself
  });

  test('snapshots are destroyed only with an approval', async () => {
    const { executor, host } = await start();
    await must(host, 'zfs', 'snapshot', 'tank/docs@one');
    const op: Operation = { kind: 'snapshot.destroy', dataset: 'tank/docs', tag: 'one', guid: await guidOf(host, 'tank/docs@one') };
    expect(await executor.execute(request(op))).toMatchObject({ ok: false, refusal: { code: 'needs-approval' } });
    expect(await executor.execute(request(op, approve(op)))).toMatchObject({ ok: true });
  });

  test('on one pool run one after the other, on two pools beside each other', async () => {
    const sim = await machine();
    await must(sim, 'zpool', 'create', '-O', 'mountpoint=/mnt/vault', 'vault', '/dev/disk/by-id/ata-TEST_2');
    let running = 0;
    let most = 0;
    const seen: string[] = [];
    const gates: (() => void)[] = [];
    const host: Machine = {
      ...sim,
      run: async (argv, o) => {
        if (argv[1] !== 'create') return sim.run(argv, o);
        running += 1;
        most = Math.max(most, running);
        seen.push(argv.at(-1) ?? '');
        await new Promise<void>((resolve) => gates.push(resolve));
        running -= 1;
        return sim.run(argv, o);
      },
    };
    const { executor } = await start({ sim: host });
    const requests = ['tank/a', 'tank/b', 'vault/a'].map((name) =>
      request({ kind: 'dataset.create', name, type: 'filesystem', properties: {} }),
    );
    const all = requests.map((r) => executor.execute(r));
    const open = async (): Promise<void> => {
      while (gates.length === 0) await new Promise((resolve) => setImmediate(resolve));
      gates.shift()?.();
    };
    while (gates.length < 2) await new Promise((resolve) => setImmediate(resolve));
    expect(seen.map((name) => name.split('/')[0]).toSorted()).toEqual(['tank', 'vault']);
    // the one that waits for its turn will run: whoever asks must not take it for forgotten
    const waits = requests.find((r) => r.operation.kind === 'dataset.create' && !seen.includes(r.operation.name));
    expect(await executor.outcome(waits?.id ?? '')).toEqual({ state: 'running' });
    expect(await executor.outcome(requests[2]?.id ?? '')).toEqual({ state: 'running' });
    await open();
    await open();
    await open();
    expect((await Promise.all(all)).every((a) => a.ok)).toBe(true);
    expect(most).toBe(2);
    expect(await executor.outcome(requests[0]?.id ?? '')).toMatchObject({ state: 'ended' });
  });

  test('a bug in an operation is a refusal without a stack; the journal has it', async () => {
    const sim = await machine();
    const broken: Machine = { ...sim, list: () => Promise.reject(new TypeError('secret internals')) };
    const { executor, host, log } = await start({ sim: broken });
    const answer = await executor.execute(request(await destroyOf(host, 'tank/empty')));
    expect(answer).toMatchObject({ ok: false, refusal: { code: 'failed' } });
    expect(JSON.stringify(answer)).not.toMatch(/secret internals|\.ts/);
    expect(log.join('\n')).toContain('secret internals');
  });

  test('who is connected is read without being written down', async () => {
    const { executor, at, host } = await start();
    await executor.execute(request({ kind: 'share.put', share: smbShare('docs', 'tank/docs') }));
    const before = readFileSync(join(at, 'ledger', 'ledger'), 'utf8');
    host.happen({
      kind: 'connect',
      session: { user: 'ben', machine: 'desk', address: '192.168.1.9', share: 'docs', files: [], connectedAt: NOW },
    });
    expect(await executor.execute(request({ kind: 'share.clients' }))).toMatchObject({ ok: true, result: { clients: [{ user: 'ben' }] } });
    expect(readFileSync(join(at, 'ledger', 'ledger'), 'utf8')).toBe(before);
  });

  test('each operation is one line of the log: what, who, with which approval, how it ended', async () => {
    const { executor, host, log } = await start();
    const op = await destroyOf(host, 'tank/docs');
    const approval = approve(op);
    const req = { ...request(op, approval), actor: { kind: 'user' as const, name: 'eve"\n<0>forged', via: 'api' } };
    await executor.execute(req);
    await executor.execute(request(op, approval));
    expect(log).toHaveLength(2);
    expect(log[0]).toMatch(
      new RegExp(
        `^<5>operation dataset.destroy subject="tank/docs" id=${req.id} actor="user:eve.+ via api" approval=${approval.id} outcome=done ms=0$`,
      ),
    );
    expect(log[0]).not.toContain('\n');
    expect(log[1]).toMatch(/^<4>operation .* outcome=refused code=stale why="approval .* has been used"/);
  });

  test('a damaged ledger: nothing runs, and the answer says why', async () => {
    const at = folder();
    writeFileSync(join(at, 'ledger'), 'rubbish\nmore\n');
    const { executor, host } = await start({ ledgerFolder: at });
    const answer = await executor.execute(request(await destroyOf(host, 'tank/empty')));
    expect(answer).toMatchObject({ ok: false, refusal: { code: 'unavailable', why: expect.stringContaining('line 1 of') } });
    await expect(executor.outcome('operation-1')).rejects.toThrow(/damaged/);
    expect(destroys(host)).toBe(0);
  });
});

describe('closing', () => {
  test('what runs is finished, written down and answered first', async () => {
    const sim = await machine();
    let release: () => void = () => {};
    const started = new Promise<void>((resolve) => {
      sim.fault({
        match: (argv) => {
          if (argv[1] === 'snapshot') resolve();
          return false;
        },
        kind: 'exit',
      });
    });
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const host: Machine = {
      ...sim,
      run: async (argv, o) => {
        const r = await sim.run(argv, o);
        if (argv[1] === 'snapshot') await held;
        return r;
      },
    };
    const { executor, close, socket } = await start({ sim: host });
    const waiting = connect({ path: socket });
    await new Promise((resolve) => waiting.on('connect', resolve));
    const req = request({ kind: 'snapshot.create', dataset: 'tank', guid: await guidOf(host, 'tank'), tag: 'one', recursive: false });
    const answer = executor.execute(req);
    await started;
    const hungUp = new Promise((resolve) => waiting.on('close', resolve));
    const closed = close();
    await hungUp;
    expect(await executor.execute({ ...req, id: 'operation-2' })).toMatchObject({ ok: false, refusal: { code: 'unavailable' } });
    release();
    expect(await answer).toMatchObject({ ok: true });
    await closed;
  });

  test('what runs is finished and written down also when nobody waits for the answer any more', async () => {
    const sim = await machine();
    const gates = new Map<string, () => void>();
    const host: Machine = {
      ...sim,
      run: async (argv, o) => {
        if (argv[1] === 'snapshot') await new Promise<void>((resolve) => gates.set(argv.at(-1) ?? '', resolve));
        return sim.run(argv, o);
      },
    };
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    const at = (tag: string): (() => void) | undefined => gates.get(`tank@${tag}`);
    const { socket, close, at: where } = await start({ sim: host });
    const guid = await guidOf(host, 'tank');
    const [one, two] = ['one', 'two'].map((tag) => request({ kind: 'snapshot.create', dataset: 'tank', guid, tag, recursive: false }));
    const client = connect({ path: socket });
    client.on('connect', () => client.write(`${JSON.stringify(one)}\n${JSON.stringify(two)}\n`));
    while (!at('one')) await turn();
    // gone before its first answer: writing that breaks the connection while the second operation runs
    await new Promise((resolve) => client.on('close', resolve).destroy());
    at('one')?.();
    while (!at('two')) await turn();
    let over = false;
    const closed = close().then(() => {
      over = true;
    });
    for (let i = 0; i < 50; i += 1) await turn();
    expect(over).toBe(false);
    at('two')?.();
    await closed;
    const again = await start({ sim, ledgerFolder: join(where, 'ledger') });
    for (const r of [one, two]) expect(await again.executor.outcome(r?.id ?? '')).toMatchObject({ state: 'ended', answer: { ok: true } });
  });

  test('it is idle only when nobody is connected and nothing runs', async () => {
    let idled = 0;
    let wake: () => void = () => {};
    const idle = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const { socket, executor, host } = await start({
      idle: {
        afterMs: 50,
        onIdle: () => {
          idled += 1;
          wake();
        },
      },
    });
    const held = connect({ path: socket });
    await new Promise((resolve) => held.on('connect', resolve));
    for (let i = 0; i < 3; i += 1)
      await executor.execute(
        request({ kind: 'snapshot.create', dataset: 'tank', guid: await guidOf(host, 'tank'), tag: `s${i}`, recursive: false }),
      );
    expect(idled).toBe(0);
    held.destroy();
    await idle;
    expect(idled).toBe(1);
  });
});

describe('bad input', () => {
  test('whatever comes in, the answer is a refusal line, and the next request is served', async () => {
    const { socket, executor, host } = await start();
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const valid = JSON.stringify(request({ kind: 'share.clients' }));
    const bad = fc.oneof(
      fc.uint8Array({ maxLength: 2000 }).map((b) => Buffer.concat([Buffer.from(b), Buffer.from('\n')])),
      fc.json().map((j) => Buffer.from(`${j}\n`)),
      fc.constant(Buffer.from(`${deep}\n`)),
      fc.constant(Buffer.from(`{"v":1,"id":"operation-1","operation":${deep}}\n`)),
      fc.constant(Buffer.from('{"__proto__":{"v":1},"constructor":{"prototype":{}}}\n')),
      // a valid request with one part replaced or added
      fc
        .tuple(fc.constantFrom('v', 'id', 'actor', 'operation', 'approval', 'extra', 'ask'), fc.jsonValue())
        .map(([key, value]) => Buffer.from(`${JSON.stringify({ ...JSON.parse(valid), [key]: value })}\n`)),
      // half a line, then the end
      fc.integer({ min: 1, max: valid.length - 1 }).map((n) => Buffer.from(valid.slice(0, n))),
    );
    await fc.assert(
      fc.asyncProperty(bad, async (bytes) => {
        const back = await raw(socket, [bytes]);
        for (const line of back.split('\n').slice(0, -1)) {
          const answer = JSON.parse(line);
          if (answer.ok === false) expect(Object.keys(answer.refusal).sort()).toEqual(['code', 'todo', 'what', 'why']);
          expect(line).not.toMatch(/\bat .*\.(ts|js):\d/);
          expect(line.length).toBeLessThan(5000);
        }
      }),
      { numRuns: 150 },
    );
    expect(await executor.execute(request({ kind: 'share.clients' }))).toMatchObject({ ok: true });
    expect(host.ran.filter((argv) => argv[0] === 'zfs' && !['create', 'get'].includes(argv[1] ?? ''))).toEqual([]);
  });

  test('names that a tool could read as options or paths never get there', async () => {
    const { socket, host } = await start();
    const before = host.ran.length;
    const guid = '1';
    const evil = [
      '-r',
      '-o',
      '--help',
      '../etc',
      'tank/../..',
      'tank/-x',
      'tank\n',
      'tank\u0000',
      'tank/a\tb',
      "tank/a'b",
      'tank/$(id)',
      '/tank',
      'tank//a',
      'tank@x',
      'tank/a@b',
      '',
      'x'.repeat(300),
    ];
    for (const name of evil)
      for (const operation of [
        { kind: 'dataset.destroy', name, guid, withSnapshots: true },
        { kind: 'dataset.create', name, type: 'filesystem', properties: {} },
        { kind: 'dataset.rename', name: 'tank/a', guid, to: name },
        { kind: 'snapshot.create', dataset: 'tank', guid, tag: `a${name}@`, recursive: false },
        { kind: 'pool.scrub', name, guid, action: 'start' },
        { kind: 'dataset.set', name: 'tank/a', guid, set: { mountpoint: `${name}$` }, inherit: [] },
        { kind: 'dataset.set', name: 'tank/a', guid, set: { [name]: 'on' }, inherit: [] },
        {
          kind: 'pool.create',
          name: 'new',
          vdevs: [{ kind: 'stripe', role: 'data', disks: [`/dev/${name}`] }],
          options: {},
          properties: {},
        },
        { kind: 'zpool.destroy', name },
      ]) {
        const back = await raw(socket, [
          `${JSON.stringify({ v: 1, id: 'operation-1', actor: { kind: 'user', name: 'a', via: 'b' }, operation, approval: null })}\n`,
        ]);
        expect(JSON.parse(back), `${operation.kind} ${name}`).toMatchObject({ ok: false, refusal: { code: 'invalid' } });
      }
    expect(host.ran.slice(before)).toEqual([]);
  });

  test('a line without an end is cut off at its limit, one just as long is read', async () => {
    const { socket } = await start();
    expect(await raw(socket, [Buffer.alloc(MAX_LINE + 1, 0x20)], false)).toContain(`at most ${MAX_LINE} bytes`);
    expect(await raw(socket, [Buffer.alloc(MAX_LINE + 1, 0x20), '\n'], false)).toContain(`at most ${MAX_LINE} bytes`);
    const padded = `${JSON.stringify({ v: 1, ask: 'outcome', id: 'operation-1' }).padEnd(MAX_LINE)}\n`;
    expect(await raw(socket, [padded])).toBe('{"state":"unknown"}\n');
  });

  test('several requests on one connection are answered in order, byte by byte too', async () => {
    const { socket } = await start();
    const lines = ['operation-1', 'operation-2'].map((id) => `${JSON.stringify({ v: 1, ask: 'outcome', id })}\n`).join('');
    expect(await raw(socket, [lines])).toBe('{"state":"unknown"}\n{"state":"unknown"}\n');
    expect(
      await raw(
        socket,
        [...lines].map((c) => c),
      ),
    ).toBe('{"state":"unknown"}\n{"state":"unknown"}\n');
  });
});

describe('the client', () => {
  test('says what to do when nobody answers', async () => {
    const at = folder();
    const req = request({ kind: 'share.clients' });
    expect(await socketExecutor(join(at, 'none.sock'), { timeoutMs: 1000 }).execute(req)).toMatchObject({
      ok: false,
      refusal: { code: 'unavailable', todo: expect.stringContaining('systemctl start dplane-exec.socket') },
    });
    await expect(socketExecutor(join(at, 'none.sock'), { timeoutMs: 1000 }).outcome('operation-1')).rejects.toThrow(/nothing listens/);
  });

  test('gives up at its limit or when told, and says that it may have run', async () => {
    const sim = await machine();
    sim.fault({ match: ['smbstatus'], kind: 'hang' });
    const { socket } = await start({ sim: { ...sim, run: (argv, o) => sim.run(argv, { ...o, timeoutMs: 500 }) } });
    const req = request({ kind: 'share.clients' });
    expect(await socketExecutor(socket, { timeoutMs: 20 }).execute(req)).toMatchObject({
      ok: false,
      refusal: { code: 'timeout', todo: expect.stringContaining('may have run') },
    });
    const stop = new AbortController();
    const answer = socketExecutor(socket, { timeoutMs: 20_000 }).execute(req, stop.signal);
    stop.abort();
    expect(await answer).toMatchObject({ ok: false, refusal: { code: 'timeout' } });
    expect(await socketExecutor(socket, { timeoutMs: 20_000 }).execute(req, stop.signal)).toMatchObject({ ok: false });
  });
});

describe('killed', () => {
  const program = join(import.meta.dirname, 'crash.fixture.ts');
  /** The executor in a process of its own; the promise is its end. */
  const spawn = async (
    at: string,
    when: string,
    command: string,
  ): Promise<{ executor: Executor; end: Promise<unknown>; stop: () => void }> => {
    const socket = join(at, `${when}.sock`);
    const abort = new AbortController();
    cleanups.push(() => abort.abort());
    const lines = realHost().lines([process.execPath, program, socket, at, when, command], { timeoutMs: 60_000, signal: abort.signal });
    const first = await lines.next();
    expect(first.value).toBe('listening');
    return { executor: socketExecutor(socket, { timeoutMs: 40_000 }), end: lines.next(), stop: () => abort.abort() };
  };

  for (const when of ['before', 'after'] as const)
    test(`by SIGKILL ${when} the tool ran: begun is never repeated, the approval stays used`, async () => {
      const at = folder();
      const seed = await machine();
      const op = await destroyOf(seed, 'tank/docs'); // the same seed gives the same guids
      const req = request(op, approve(op));
      const first = await spawn(at, when, 'zfs destroy tank/docs');
      expect(await first.executor.execute(req)).toMatchObject({
        ok: false,
        refusal: { code: 'timeout', todo: expect.stringContaining('may have run') },
      });
      await first.end;

      const second = await spawn(at, 'never', '');
      expect(await second.executor.outcome(req.id)).toEqual({ state: 'begun' });
      expect(await second.executor.execute(req)).toMatchObject({
        ok: false,
        refusal: { code: 'conflict', why: expect.stringContaining('no end is recorded') },
      });
      expect(await second.executor.execute(request(op, req.approval))).toMatchObject({ ok: false, refusal: { code: 'stale' } });
      // what the daemon would see when it looks
      const probe = await second.executor.execute(
        request({ kind: 'snapshot.create', dataset: 'tank/docs', guid: (op as { guid: string }).guid, tag: 'probe', recursive: false }),
      );
      expect(probe.ok).toBe(when === 'before');
      second.stop();
      await second.end;
    });
});
