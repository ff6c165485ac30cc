/**
 * A host: the machine that is managed. Two of them exist: the real one (`exec.ts` + files) and the simulated one
 * (`sim/`), which answers the same argv in the same formats. Adapters know only this interface.
 */
import type { Duplex } from 'node:stream';
import type { HostFiles } from './tree.ts';

export type RunOptions = {
  /** Every process has a time limit. */
  timeoutMs: number;
  signal?: AbortSignal;
  input?: string;
  /** Bytes of output taken before the process is stopped; 64 MiB unless told. */
  maxOutput?: number;
};

export type RunFailure = 'timeout' | 'aborted' | 'missing' | 'too-large' | 'spawn' | 'killed';

/** The one result shape. Nothing here throws: a missing tool is an answer too. */
export type RunResult = {
  argv: readonly string[];
  /** Null when the process did not come to an exit of its own: `failure` says why. */
  exit: number | null;
  failure: RunFailure | null;
  stdout: string;
  stderr: string;
  durationMs: number;
};

export type Host = {
  readonly simulated: boolean;
  run(argv: readonly string[], options: RunOptions): Promise<RunResult>;
  /** Standard output line by line, without holding it; the return value is the end. Stops the process when left early. */
  lines(argv: readonly string[], options: RunOptions): AsyncGenerator<string, RunResult, void>;
  /** Null when there is no such file. */
  readText(path: string): Promise<string | null>;
  /** Whole or not at all: written beside, fsynced, renamed, folder fsynced. */
  writeText(path: string, text: string | Uint8Array, mode: number): Promise<void>;
  /** A connection to a unix socket; null when nobody listens there. */
  connect(path: string): Promise<Duplex | null>;
  /** Files within one mount, as root: for the executor. */
  readonly files: HostFiles;
  /** Names in a folder; null when there is no such folder. */
  list(path: string): Promise<string[] | null>;
};
