/** What generations.test.ts has happen on a machine with a real Nix: each step's answer as a line of JSON. Started by generations.sh. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { comparePackages } from '../../control/src/domain/generation/generation.ts';
import type { Operation } from '../../control/src/domain/operation/operation.ts';
import { orThrow } from '../../control/src/domain/refusal.ts';
import { execute } from '../../control/src/host/change/execute.ts';
import { realHost } from '../../control/src/host/exec.ts';
import { readClosure, readGenerations } from '../../control/src/host/nix/generations.ts';

const host = realHost();
const clock = (): number => Date.now();
const tell = (step: string, value: unknown): void => console.log(JSON.stringify({ step, value }));
const list = async () => {
  const found = orThrow(await readGenerations(host, clock()));
  if (!found.available) throw new Error(found.why);
  return found.generations;
};
const told = async () => (await list()).map(({ number, label, zfs, current, running }) => ({ number, label, zfs, current, running }));
const run = (operation: Operation) => execute({ host, clock, approval: null, id: 'generation-1' }, operation);
const ref = async (number: number) => {
  const found = (await list()).find((g) => g.number === number);
  if (found === undefined) throw new Error(`no generation ${number}`);
  return { number, path: found.path };
};
const switched = (): string => (existsSync('/run/switched') ? readFileSync('/run/switched', 'utf8').trim() : '');

tell('list', await told());
const [one, two, three] = [await ref(1), await ref(2), await ref(3)];
tell('compare', comparePackages(orThrow(await readClosure(host, two.path)), orThrow(await readClosure(host, three.path))));
tell('activate', await run({ kind: 'generation.activate', ...two }));
tell('activated', { list: await told(), switched: switched() === `${two.path}/bin/switch-to-configuration boot` });
tell('wrong path', await run({ kind: 'generation.activate', number: 1, path: three.path }));
writeFileSync('/run/full', '');
tell('no boot entry', await run({ kind: 'generation.activate', ...one }));
rmSync('/run/full');
tell('put back', await told());
tell('delete the one that runs', await run({ kind: 'generation.delete', generations: [three] }));
tell('delete', await run({ kind: 'generation.delete', generations: [one] }));
tell('deleted', { list: await told(), path: existsSync(one.path), others: existsSync(two.path) && existsSync(three.path) });
tell('activate back', await run({ kind: 'generation.activate', ...three }));
tell('end', await told());
