import { describe, expect, test } from 'vitest';
import { boundaryFindings, cycles } from './boundaries.ts';
import type { SourceFile } from './files.ts';

const packages: SourceFile[] = [
  { path: 'package.json', text: '{"devDependencies":{"vitest":"5.1.1"}}' },
  { path: 'control/package.json', text: '{"dependencies":{"zod":"4.6.7","execa":"10.2.1","better-sqlite3":"13.2.0","yaml":"2.9.1"}}' },
  { path: 'ui/package.json', text: '{"dependencies":{"solid-js":"1.0.0"}}' },
];
const findings = (path: string, text: string): string[] => boundaryFindings([...packages, { path, text }]).map((f) => f.message);
const C = 'control/src';

describe('what each room may not import', () => {
  test.each([
    ['domain, another package', `${C}/domain/pool/pool.ts`, `import { parse } from 'yaml';`],
    ['domain, Node', `${C}/domain/pool/pool.ts`, `import { readFileSync } from 'node:fs';`],
    ['domain, Node without its prefix', `${C}/domain/pool/pool.ts`, `import { readFileSync } from 'fs';`],
    ['domain, another room', `${C}/domain/pool/pool.ts`, `import { run } from '../../host/host.ts';`],
    ['domain, only a type of another room', `${C}/domain/pool/pool.ts`, `import type { Host } from '../../host/host.ts';`],
    ['domain, a type inside a type', `${C}/domain/pool/pool.ts`, `export type H = import('../../host/host.ts').Host;`],
    ['domain, a re-export', `${C}/domain/pool/pool.ts`, `export { run } from '../../host/host.ts';`],
    ['domain, everything re-exported', `${C}/domain/pool/pool.ts`, `export * from '../../host/host.ts';`],
    ['domain, loaded late', `${C}/domain/pool/pool.ts`, `const x = await import('../../host/host.ts');`],
    ['domain, a template as path', `${C}/domain/pool/pool.ts`, 'const x = await import(`../../host/host.ts`);'],
    ['domain, a path with an escaped dot', `${C}/domain/pool/pool.ts`, `import '../%2e%2e/host/host.ts';`],
    ['domain, by the package name of the workspace', `${C}/domain/pool/pool.ts`, `import '@dplaneos/control/src/host/host.ts';`],
    ['host, the store', `${C}/host/zfs/list.ts`, `import { open } from '../../store/store.ts';`],
    ['host, the engine', `${C}/host/zfs/list.ts`, `import type { Engine } from '../../engine/engine.ts';`],
    ['host, the api', `${C}/host/zfs/list.ts`, `import { router } from '../../api/router.ts';`],
    ['store, the host', `${C}/store/events.ts`, `import type { Host } from '../host/host.ts';`],
    ['events, the store itself', `${C}/events/follow.ts`, `import { open } from '../store/store.ts';`],
    ['engine, the api', `${C}/engine/apply.ts`, `import { router } from '../api/router.ts';`],
    ['engine, the cli', `${C}/engine/apply.ts`, `import type { X } from '../cli/main.ts';`],
    ['api, the host', `${C}/api/router.ts`, `import type { Host } from '../host/host.ts';`],
    ['api, the store itself', `${C}/api/router.ts`, `import { open } from '../store/store.ts';`],
    ['api, store types as code', `${C}/api/router.ts`, `import { type Store } from '../store/types.ts';`],
    ['cli, code of the api', `${C}/cli/main.ts`, `import { router } from '../api/router.ts';`],
    ['cli, the store', `${C}/cli/main.ts`, `import type { Store } from '../store/types.ts';`],
    ['ui, code of the api', 'ui/src/app.tsx', `import { router } from '../../control/src/api/router.ts';`],
    ['ui, types of the engine', 'ui/src/app.tsx', `import type { Engine } from '../../control/src/engine/engine.ts';`],
    ['ui, Node', 'ui/src/app.tsx', `import { join } from 'node:path';`],
    ['a room, the composition root', `${C}/engine/apply.ts`, `import { start } from '../main.ts';`],
    ['a room, a helper of tests', `${C}/engine/apply.ts`, `import { fake } from './testing/fake.ts';`],
    ['a room, a test', `${C}/engine/apply.ts`, `import { fake } from './apply.test.ts';`],
    ['a room nobody has named', `${C}/helpers/x.ts`, `export const x = 1;`],
    ['an undeclared package', `${C}/engine/apply.ts`, `import _ from 'lodash';`],
    ['a package declared only by another workspace', `${C}/engine/apply.ts`, `import { render } from 'solid-js';`],
  ])('%s', (_name, path, text) => {
    expect(findings(path, text)).not.toEqual([]);
  });
});

describe('only exec.ts starts processes', () => {
  test.each([
    [`import { spawn } from 'node:child_process';`],
    [`import { spawn } from 'child_process';`],
    [`import { execa } from 'execa';`],
    [`const { fork } = await import('node:cluster');`],
    [`const cp = require('child_process');`],
    [`import cp = require('node:child_process');`],
    [`process.binding('spawn_sync');`],
    [`process['binding']('spawn_sync');`],
    [`globalThis.process.binding('spawn_sync');`],
    [`const { binding } = process;`],
    [`process.getBuiltinModule('child_process');`],
    [`process.getBuiltinModule('node:child_process').spawn('sh');`],
    [`process.getBuiltinModule(name);`],
    [`const get = process.getBuiltinModule;`],
    [`import p from 'node:process'; p.execve('/bin/sh');`],
    [`import { execve } from 'node:process';`],
    [`import { createRequire } from 'node:module';`],
    [`import * as m from 'node:module'; m.createRequire(import.meta.url)('child_process');`],
    [`const name = 'node:child_' + 'process'; await import(name);`],
    [`await import('data:text/javascript,1');`],
    [`await import('/usr/lib/x.js');`],
  ])('%s', (text) => {
    expect(findings(`${C}/host/zfs/list.ts`, text)).not.toEqual([]);
    expect(findings('ota/src/main.ts', text)).not.toEqual([]);
    expect(findings(`${C}/main.ts`, text)).not.toEqual([]);
  });
  test('and it may', () => {
    expect(findings(`${C}/host/exec.ts`, `import { execa } from 'execa';`)).toEqual([]);
    expect(findings('packages/lab/src/exec.ts', `import { execa } from 'execa';`)).toEqual([]);
    expect(findings('packages/lab/src/vm.ts', `import { execa } from 'execa';`)).not.toEqual([]);
  });
});

describe('only the store opens SQLite', () => {
  test.each([
    [`import Database from 'better-sqlite3';`],
    [`import type { Database } from 'better-sqlite3';`],
    [`import { DatabaseSync } from 'node:sqlite';`],
  ])('%s', (text) => {
    expect(findings(`${C}/engine/apply.ts`, text)).not.toEqual([]);
    expect(findings(`${C}/main.ts`, text)).not.toEqual([]);
    expect(findings(`${C}/store/db.ts`, text)).toEqual([]);
  });
});

test('what the rooms are there for is allowed', () => {
  expect(findings(`${C}/domain/pool/pool.ts`, `import { z } from 'zod'; import { Guid } from '../names.ts';`)).toEqual([]);
  expect(
    findings(`${C}/api/router.ts`, `import type { Store } from '../store/types.ts'; import { apply } from '../engine/apply.ts';`),
  ).toEqual([]);
  expect(findings(`${C}/cli/main.ts`, `import type { AppRouter } from '../api/router.ts';`)).toEqual([]);
  expect(
    findings(
      'ui/src/app.tsx',
      `import type { AppRouter } from '../../control/src/api/router.ts'; import { can } from '../../control/src/domain/user/role.ts';`,
    ),
  ).toEqual([]);
  expect(findings(`${C}/main.ts`, `import { open } from './store/store.ts'; import { router } from './api/router.ts';`)).toEqual([]);
  expect(findings(`${C}/domain/pool/pool.test.ts`, `import { test } from 'vitest'; import { readFileSync } from 'node:fs';`)).toEqual([]);
});

test('a builtin module may be taken by its name, where it could be imported', () => {
  expect(findings(`${C}/cli/x.ts`, `const http = process.getBuiltinModule('node:http');`)).toEqual([]);
  expect(findings(`${C}/domain/x.ts`, `const http = process.getBuiltinModule('node:http');`)).not.toEqual([]);
});

test('a workspace may read its own package.json, for its version', () => {
  const text = `import own from '../../package.json' with { type: 'json' };`;
  expect(findings(`${C}/store/db.ts`, text)).toEqual([]);
  expect(findings(`${C}/domain/x.ts`, text)).not.toEqual([]);
});

test('words in comments and strings are no imports', () => {
  expect(findings(`${C}/domain/pool/pool.ts`, `// import x from 'execa'\nexport const s = "import('node:fs')";`)).toEqual([]);
});

test('a file that cannot be parsed is reported, not passed over', () => {
  expect(findings(`${C}/domain/pool/pool.ts`, 'const = ;')).not.toEqual([]);
});

test('a finding says where', () => {
  expect(boundaryFindings([...packages, { path: `${C}/domain/a.ts`, text: `\n\nimport 'node:fs';` }])).toMatchObject([
    { path: `${C}/domain/a.ts`, line: 3 },
  ]);
});

describe('cycles', () => {
  const file = (name: string, ...to: string[]): SourceFile => ({
    path: `a/${name}.ts`,
    text: to.map((t) => `import './${t}.ts';`).join('\n'),
  });
  test('a circle is found, with all its members and nobody else', () => {
    expect(cycles([file('entry', 'x'), file('x', 'y'), file('y', 'z', 'leaf'), file('z', 'x'), file('leaf')])).toEqual([
      ['a/x.ts', 'a/y.ts', 'a/z.ts'],
    ]);
  });
  test('types and late imports make none', () => {
    expect(cycles([{ path: 'a/x.ts', text: `import type { Y } from './y.ts';` }, file('y', 'x')])).toEqual([]);
    expect(cycles([{ path: 'a/x.ts', text: `const y = () => import('./y.ts');` }, file('y', 'x')])).toEqual([]);
    expect(cycles([{ path: 'a/x.ts', text: `export { y } from './y.ts';` }, file('y', 'x')])).toEqual([['a/x.ts', 'a/y.ts']]);
  });
  test('a file that imports itself is one', () => {
    expect(cycles([file('x', 'x')])).toEqual([['a/x.ts']]);
  });
  test('two ways to the same file are not', () => {
    expect(cycles([file('a', 'b', 'c'), file('b', 'd'), file('c', 'd'), file('d')])).toEqual([]);
  });
});
