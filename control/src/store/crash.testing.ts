/** What the crash test kills: writes one of each family in a transaction, and tells the number only after the commit. */
import { openStore } from './store.ts';

const [folder = '', seconds = '30'] = process.argv.slice(2);
const store = openStore({ path: `${folder}/dplane.db`, auditKey: Buffer.alloc(32, 7), sealPath: `${folder}/audit.seal`, clock: Date.now });
const until = Date.now() + Number(seconds) * 1000;
const one = (): void => {
  const { seq } = store.transact(() => {
    const n = store.audit.count() + 1;
    store.states.put({ yaml: `n: ${n}`, digest: String(n), at: n, actor: 'crash', kind: 'saved' });
    store.settings.set('n', String(n));
    store.audit.append({
      actor: { kind: 'system', name: 'crash', via: '' },
      action: 'x',
      subject: String(n),
      outcome: 'succeeded',
      reason: '',
      detail: {},
    });
    return store.events.append({ kind: 'gitops.state-saved', severity: 'info', subject: String(n), message: '', actor: 'crash', data: {} });
  });
  process.stdout.write(`${seq}\n`);
  if (Date.now() < until) setImmediate(one);
};
one();
