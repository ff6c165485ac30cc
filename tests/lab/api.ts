/** The appliance's own API, as its browser interface speaks it. */
import { request } from 'node:https';
import type { Vm } from '../../packages/lab/src/vm.ts';

export type Body = Record<string, unknown>;
export type Call = (method: string, path: string, body?: unknown) => Promise<Body>;

export const PASSWORD = 'a long sentence nobody guesses';

interface Answer {
  readonly status: number;
  readonly body: Body;
  readonly cookie: string;
}

function ask(vm: Vm, method: string, path: string, body: unknown, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const json = text === undefined ? {} : { 'content-type': 'application/json' };
    // the certificate is the box's own, made on its first start
    const options = {
      host: '127.0.0.1',
      port: vm.spec.ports.https,
      method,
      path,
      rejectUnauthorized: false,
      headers: { ...json, ...headers },
    };
    const sent = request(options, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () => {
        const cookie = String(answer.headers['set-cookie'] ?? '').split(';')[0] ?? '';
        // whoever asks looks at the fields it needs
        resolve({ status: answer.statusCode ?? 0, body: JSON.parse(Buffer.concat(parts).toString()) as Body, cookie });
      });
    });
    sent.setTimeout(480_000, () => sent.destroy(new Error(`${method} ${path}: no answer`)));
    sent.on('error', reject);
    sent.end(text);
  });
}

async function session(vm: Vm, path: string, body: unknown): Promise<Call> {
  const { status, body: said, cookie } = await ask(vm, 'POST', path, body, {});
  if (status !== 200 || cookie === '') throw new Error(`no session: ${status} ${JSON.stringify(said)}`);
  return async (method, at, input) => {
    const answer = await ask(vm, method, at, input, { cookie, 'x-dplane': '1' });
    if (answer.status !== 200) throw new Error(`${method} ${at}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
}

export const claim = (vm: Vm, code: string): Promise<Call> => session(vm, '/api/claim', { code, user: 'ada', password: PASSWORD });
export const logIn = (vm: Vm): Promise<Call> => session(vm, '/api/session', { user: 'ada', password: PASSWORD });

/** Plans, approves what has to be approved by its exact name, applies, and waits for the end of the run. */
export async function change(vm: Vm, call: Call, changes: readonly unknown[]): Promise<void> {
  const plan = (await call('POST', '/api/plans', { changes })) as {
    digest: string;
    actions: { id: string; approval: string; name: string }[];
  };
  for (const action of plan.actions.filter(({ approval }) => approval === 'required'))
    await call('POST', '/api/gitops/approve', { digest: plan.digest, actionId: action.id, typed: action.name });
  const { id } = await call('POST', '/api/gitops/apply', { digest: plan.digest });
  let run: Body = {};
  await vm.until('the run has ended', 240_000, async () => {
    run = await call('GET', `/api/runs/${String(id)}`);
    return run.state !== 'running';
  });
  if (run.state !== 'succeeded') throw new Error(`the run ended as ${String(run.state)}: ${String(run.account)}`);
}
