/**
 * A file out of a snapshot, or a folder as a tar archive: the only answer that is not made in memory. It comes from the executor piece by piece, as fast as the
 * client takes it. An answer that breaks off is cut off, so that nobody takes half a file for a whole one. Each is in the audit, with how it ended.
 */
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { orThrow } from '../domain/refusal.ts';
import { FilePath, InSnapshot } from '../domain/snapshot/files.ts';
import type { Permission } from '../domain/user/role.ts';
import type { Context } from './context.ts';
import { refusal } from './errors.ts';
import type { Headers } from './http/respond.ts';
import { authorize } from './trpc.ts';

export const DOWNLOAD = {
  method: 'GET',
  path: '/api/zfs/snapshots/file',
  permission: 'data.read' satisfies Permission,
  about: 'The bytes of a file in a snapshot; a folder comes as a tar archive.',
} as const;

const Input = InSnapshot.extend({ path: FilePath });

export const sendDownload = async (res: ServerResponse, query: string, ctx: Context, common: Headers): Promise<void> => {
  const caller = ctx.who();
  const { engine, store } = ctx.services;
  const account = (
    subject: string,
    outcome: 'denied' | 'succeeded' | 'failed',
    reason: string,
    detail: Record<string, unknown> = {},
  ): void =>
    void store.audit.append({
      actor: caller.actor,
      action: 'snapshots.download',
      subject,
      outcome,
      reason,
      detail: { from: ctx.address, request: ctx.requestId, ...detail },
    });
  try {
    authorize(caller, DOWNLOAD);
  } catch (error) {
    if (caller.kind !== 'nobody') account('', 'denied', `without the permission ${DOWNLOAD.permission}`);
    throw error;
  }
  const asked = Input.safeParse(Object.fromEntries(new URLSearchParams(query)));
  if (!asked.success)
    throw refusal(
      'invalid',
      'The request was not understood',
      asked.error.issues[0]?.message ?? 'it names no file',
      'Name dataset, tag, guid and path.',
    );
  const { path, ...at } = asked.data;
  const subject = `${at.dataset}@${at.tag}:${path}`;
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  const { size, stream } = orThrow(await engine.views.read(caller.actor, at, path, gone.signal));
  const last = path.slice(path.lastIndexOf('/') + 1) || at.dataset.replaceAll('/', '-');
  const name = size === null ? `${last}.tar` : last;
  let sent = 0;
  stream.on('data', (chunk: Buffer) => {
    sent += chunk.length;
  });
  stream.pause();
  res.writeHead(200, {
    ...Object.fromEntries(common),
    'content-type': size === null ? 'application/x-tar' : 'application/octet-stream',
    'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(name).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`)}`,
    'cache-control': 'no-store',
    ...(size === null ? {} : { 'content-length': String(size) }),
  });
  try {
    await pipeline(stream, res);
    account(subject, 'succeeded', `permission ${DOWNLOAD.permission}`, { bytes: sent });
  } catch (error) {
    account(subject, 'failed', error instanceof Error ? error.message : 'it broke off', { bytes: sent });
    res.destroy();
  }
};
