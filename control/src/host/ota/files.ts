/**
 * What the updater leaves for others to read: parsed here, at the edge. A file that is not there is null; one that can't be read or
 * understood is a refusal that says so, and nothing is guessed from it.
 */
import type { z } from 'zod';
import { ApplyProgress } from '../../domain/bundle/bundle.ts';
import { type Refusal, type Result, ok, refuse } from '../../domain/refusal.ts';
import { SlotStatus, UpdateEvent } from '../../domain/slot/slot.ts';
import type { Host } from '../host.ts';

export const OTA_FILES = {
  status: '/run/dplane-ota/status.json',
  progress: '/run/dplane-ota/progress.json',
  request: '/run/dplane-ota/request.json',
  stream: '/run/dplane-ota/stream.sock',
  history: '/persist/ota/history.jsonl',
} as const;

const unreadable = (path: string, why: string): { ok: false; refusal: Refusal } =>
  refuse('unavailable', `reading ${path}`, why, 'look at `dplane-ota status` on the machine and at `journalctl -u dplane-settle`');

const textOf = async (host: Host, path: string): Promise<Result<string | null>> => {
  try {
    return ok(await host.readText(path));
  } catch (error) {
    return unreadable(path, error instanceof Error ? error.message : String(error));
  }
};

const explain = (error: z.ZodError): string => {
  const issue = error.issues[0];
  return issue ? `${issue.path.map(String).join('.') || 'it'}: ${issue.message}`.slice(0, 300) : 'it is not as it has to be';
};

const parse = <T>(path: string, text: string, schema: z.ZodType<T>): Result<T> => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return unreadable(path, 'it is not JSON');
  }
  const parsed = schema.safeParse(json);
  return parsed.success ? ok(parsed.data) : unreadable(path, explain(parsed.error));
};

const one = async <T>(host: Host, path: string, schema: z.ZodType<T>): Promise<Result<T | null>> => {
  const text = await textOf(host, path);
  if (!text.ok || text.value === null) return text as Result<null>; // narrowed: no text
  return parse(path, text.value, schema);
};

export const readStatus = (host: Host): Promise<Result<SlotStatus | null>> => one(host, OTA_FILES.status, SlotStatus);
export const readProgress = (host: Host): Promise<Result<ApplyProgress | null>> => one(host, OTA_FILES.progress, ApplyProgress);

/** A machine that was started from a slot says so on its kernel command line, whatever else can be read. */
export const hasSlots = async (host: Host): Promise<boolean> => {
  const text = await textOf(host, '/proc/cmdline');
  return text.ok && /(?:^|\s)dplane\.slot=[ab](?:\s|$)/.test(text.value ?? '');
};

export type HistoryFile = {
  events: UpdateEvent[];
  /** Complete lines, understood or not: what was told is counted in these. */
  lines: number;
  /** Events of the lines after so many. */
  after(lines: number): UpdateEvent[];
};
/**
 * Oldest first. A line that a power cut tore, or of a kind that a later version knows, is passed over: it must not keep the others from being
 * told. A last one without its end is still being written.
 */
export const historyReader = (host: Host): (() => Promise<Result<HistoryFile>>) => {
  let last: { text: string; file: HistoryFile } | null = null;
  return async () => {
    const got = await textOf(host, OTA_FILES.history);
    if (!got.ok) return got;
    const text = got.value ?? '';
    if (last?.text !== text) last = { text, file: readHistory(text) };
    return ok(last.file);
  };
};
const readHistory = (text: string): HistoryFile => {
  const lines = text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .slice(0, -1);
  const found = lines.flatMap((line, i) => {
    const event = parse(OTA_FILES.history, line, UpdateEvent);
    return event.ok ? [{ i, event: event.value }] : [];
  });
  return {
    events: found.map((f) => f.event),
    lines: lines.length,
    after: (n) => found.filter((f) => f.i >= n).map((f) => f.event),
  };
};
