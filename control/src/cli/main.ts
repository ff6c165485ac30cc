#!/usr/bin/env -S NODE_COMPILE_CACHE=${HOME}/.cache/dplane node
/**
 * `dplane`: the control plane from a terminal; a client of its API like any other. Contract: one command in, one result on
 * stdout, everything said about it on stderr, and an exit code of the documented list; never a stack trace.
 */

// The cache named in the first line keeps this file and all others compiled, with their types taken out: half of the start. It lies in
// a folder of one's own, because a shared one such as /tmp would let others put code into this process.
import { run } from './run.ts';

process.exitCode = await run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
});
