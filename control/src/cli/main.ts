#!/usr/bin/env node
/**
 * `dplane`: the control plane from a terminal; a client of its API like any other. Contract: one command in, one result on
 * stdout, everything said about it on stderr, and an exit code of the documented list; never a stack trace.
 */
import { join } from 'node:path';
import module from 'node:module';

const env = process.env;
// Kept in a folder of one's own: a shared one such as /tmp would let others put code into this process.
const cache = env.XDG_CACHE_HOME ?? (env.HOME === undefined ? undefined : join(env.HOME, '.cache'));
if (cache !== undefined && env.NODE_COMPILE_CACHE === undefined) module.enableCompileCache(join(cache, 'dplane'));

// Loaded after the cache is on, so that they are found in it.
const { run } = await import('./run.ts');
process.exitCode = await run(process.argv.slice(2), { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, env });
