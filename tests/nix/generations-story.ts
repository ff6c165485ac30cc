/** What generations.test.ts has happen on a machine with a real Nix: each step's answer as a line of JSON. Started by generations.sh. */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { comparePackages } from '../../control/src/domain/generation/generation.ts';
import type { Operation } from '../../control/src/domain/operation/operation.ts';
import { orThrow } from '../../control/src/domain/refusal.ts';
import { execute } from '../../control/src/host/change/execute.ts';
import { realHost } from '../../control/src/host/exec.ts';
import { deleteArgv, readClosure, readGenerations, switchProfileArgv } from '../../control/src/host/nix/generations.ts';
import { writeStatus } from '../../ota/src/slots/machine.ts';
import { makeBox } from '../../ota/src/testing/box.ts';

const host = realHost();
const clock = (): number => Date.now();
const tell = (step: string, value: unknown): void => console.log(JSON.stringify({ step, value }));
const list = async () => {
  const found = orThrow(await readGenerations(host, clock()));
  if (!found.available) throw new Error(found.why);
  return found.generations;
};
const told = async () =>
  (await list()).map(({ number, label, zfs, current, running, next }) => ({ number, label, zfs, current, running, next }));
const run = (operation: Operation) => execute({ host, clock, approval: null, id: 'generation-1' }, operation);
const ref = async (number: number) => {
  const found = (await list()).find((g) => g.number === number);
  if (found === undefined) throw new Error(`no generation ${number}`);
  return { number, path: found.path };
};
const switched = (): string => readFileSync('/run/switched', 'utf8').trim().split('\n').at(-1) ?? '';

// a boot partition that is pretended, and real otherwise; the newest system was built, started and found good
const box = makeBox();
symlinkSync(box.root, '/run/box');
symlinkSync(box.places.run, '/run/dplane-ota');
symlinkSync('/nix', join(box.root, 'nix'));
box.entry('a', 6, null, 3);
box.booted('a', 6);
const hookOf = (path: string) => host.run([`${path}/bin/switch-to-configuration`, 'boot'], { timeoutMs: 60_000 });
const newest = (await list())[0];
const hooked = await hookOf(newest?.path ?? '');
if (hooked.exit !== 0) throw new Error(`${hooked.stdout}${hooked.stderr}`);
const entries = join(box.places.esp, 'loader/entries');
renameSync(join(entries, 'dplane-a-7+3.conf'), join(entries, 'dplane-a-7.conf'));
rmSync(join(entries, 'dplane-a-6.conf'));
box.booted('a', 7);
await writeStatus(box.places, clock());

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
// the power goes between the two
await host.run(switchProfileArgv(1), { timeoutMs: 60_000 });
tell('cut', await told());
tell('delete what was chosen', await run({ kind: 'generation.delete', generations: [one] }));
tell('again', await run({ kind: 'generation.activate', ...one }));
tell('done', await told());
tell('entries', readdirSync(entries).sort());
tell('back to two', await run({ kind: 'generation.activate', ...two }));
tell('delete the one that runs', await run({ kind: 'generation.delete', generations: [three] }));
tell('delete', await run({ kind: 'generation.delete', generations: [one] }));
tell('deleted', { list: await told(), path: existsSync(one.path), others: existsSync(two.path) && existsSync(three.path) });
tell('activate back', await run({ kind: 'generation.activate', ...three }));
tell('end', await told());
// behind our back, with the one before the last on trial: what its entry starts stays in the store
await run({ kind: 'generation.activate', ...two });
await host.run(deleteArgv([3]), { timeoutMs: 60_000 });
await host.run(['nix-store', '--gc'], { timeoutMs: 60_000 });
tell('collected', { listed: (await list()).map((g) => g.number), three: existsSync(three.path) });
box.drop();
