/** How the slots are, asked again every second while something is under way; an upload, which only a plain request can show the progress of. */
import { createEffect, onCleanup } from 'solid-js';
import { onEvent } from './live.ts';
import { NO_ANSWER, type Problem } from './problem.ts';
import { nothing, type Query, useQuery } from './query.ts';
import { may } from './session.ts';
import type { Outputs } from './trpc.ts';
import { trpc } from './trpc.ts';

export type UpdateView = Outputs['updates']['status'];
const LOOK = 1_000;

export const useUpdates = (): Query<UpdateView> => {
  const query = useQuery(
    'updates',
    () => (may('system.read') ? nothing() : null),
    () => trpc.updates.status.query(),
    { topics: ['system', 'update'] },
  );
  createEffect(() => {
    const v = query.data();
    const onTrial = v?.slots.available === true && v.slots.verdict?.outcome === 'waiting';
    if (!v?.running && !onTrial) return;
    const timer = setInterval(() => query.refetch(), LOOK);
    onCleanup(() => clearInterval(timer));
  });
  // A restart is asked for by one and seen by all.
  onCleanup(onEvent((e) => e.kind === 'system.restarting' && query.refetch()));
  return query;
};

export type Sending = { done: Promise<Problem | null>; stop: () => void };
/** Sends a bundle; resolves when the box has taken or refused it. */
export const sendBundle = (file: File, onSent: (bytes: number) => void): Sending => {
  const request = new XMLHttpRequest();
  const done = new Promise<Problem | null>((resolve) => {
    request.upload.onprogress = (e) => onSent(e.loaded);
    request.onload = () => {
      if (request.status < 300) return resolve(null);
      const body: unknown = request.response;
      const isProblem = typeof body === 'object' && body !== null && 'what' in body && 'why' in body;
      resolve(isProblem ? (body as Problem) : NO_ANSWER); // the daemon's refusals have this shape
    };
    request.onerror = () => resolve(NO_ANSWER);
    request.onabort = () =>
      resolve({
        code: 'conflict',
        what: 'The update was not sent',
        why: 'it was stopped here',
        todo: 'Send it again: what has arrived is not written twice.',
      });
    request.open('PUT', `/api/updates/bundle?name=${encodeURIComponent(file.name)}`);
    request.responseType = 'json';
    request.setRequestHeader('x-dplane', '1');
    request.setRequestHeader('content-type', 'application/octet-stream');
    request.send(file);
  });
  return { done, stop: () => request.abort() };
};
