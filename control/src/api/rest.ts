/**
 * REST over the same procedures: a route is a procedure's `meta.rest`. Path parameters, query and JSON body become its input; numbers,
 * booleans and lists in a query are read as its schema says. Nothing here knows a procedure.
 */
import type { IncomingMessage } from 'node:http';
import { callTRPCProcedure } from '@trpc/server';
import { z } from 'zod';
import type { Context } from './context.ts';
import { refusal } from './errors.ts';
import { MAX_STATE } from './routers/plans.ts';
import { NOT_YET } from './not-yet.ts';
import { appRouter } from './router.ts';
import { authorize, type Meta } from './trpc.ts';
import { readBody } from './http/body.ts';
import { DOWNLOAD } from './download.ts';
import { UPLOAD } from './upload.ts';

export const BODY_LIMIT = 1024 * 1024;
export const LARGE_LIMIT = MAX_STATE + 64 * 1024; // the text and its JSON quoting
export const limitFor = (meta: Pick<Meta, 'large'> | undefined): number => (meta?.large ? LARGE_LIMIT : BODY_LIMIT);

export type Procedure = { path: string; type: 'query' | 'mutation' | 'subscription'; meta: Meta; input: z.ZodType | undefined };

/** Every procedure with its declaration: for REST, the OpenAPI document and the tests that hold them to it. */
export const procedures = (): Procedure[] => {
  // At run time the procedures of all routers are in one record by dotted path; tRPC types it nested, and keeps meta and inputs untyped.
  // Ours are always made by `on(meta)` and zod.
  const flat = appRouter._def.procedures as unknown as Record<
    string,
    { _def: { type: Procedure['type']; meta: Meta; inputs: z.ZodType[] } }
  >;
  return Object.entries(flat).map(([path, { _def: d }]) => ({ path, type: d.type, meta: d.meta, input: d.inputs[0] }));
};

type Kind = 'text' | 'number' | 'boolean' | 'list';
/** What a text from a query has to become, seen through optional, default and the like. */
const kindOf = (schema: z.core.$ZodType): Kind => {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNullable
  )
    return kindOf(schema.unwrap());
  if (schema instanceof z.ZodNumber) return 'number';
  if (schema instanceof z.ZodBoolean) return 'boolean';
  if (schema instanceof z.ZodArray) return 'list';
  return 'text';
};
const shapeOf = (schema: z.core.$ZodType | undefined): Record<string, z.core.$ZodType> => {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) return shapeOf(schema.unwrap());
  return schema instanceof z.ZodObject ? schema.shape : {};
};

type Route = { procedure: Procedure; names: string[]; kinds: Map<string, Kind> };
type Entry = { pattern: string[]; byMethod: Map<string, Route | { notYet: string } | /** server.ts takes it. */ 'elsewhere'> };

const compile = (): { exact: Map<string, Entry>; withParams: Entry[] } => {
  const entries = new Map<string, Entry>();
  const entryFor = (path: string): Entry => {
    const known = entries.get(path);
    if (known) return known;
    const made: Entry = { pattern: path.split('/'), byMethod: new Map() };
    entries.set(path, made);
    return made;
  };
  for (const procedure of procedures()) {
    const { rest } = procedure.meta;
    if (!rest) continue;
    const kinds = new Map(Object.entries(shapeOf(procedure.input)).map(([name, schema]) => [name, kindOf(schema)]));
    entryFor(rest.path).byMethod.set(rest.method, {
      procedure,
      kinds,
      names: [...rest.path.matchAll(/\{(\w+)\}/g)].map((m) => m[1] ?? ''),
    });
  }
  entryFor(UPLOAD.path).byMethod.set(UPLOAD.method, 'elsewhere');
  entryFor(DOWNLOAD.path).byMethod.set(DOWNLOAD.method, 'elsewhere');
  for (const { methods, path, what } of NOT_YET) for (const method of methods) entryFor(path).byMethod.set(method, { notYet: what });
  return {
    exact: new Map([...entries].filter(([path]) => !path.includes('{'))),
    withParams: [...entries].filter(([path]) => path.includes('{')).map(([, entry]) => entry),
  };
};
const table = compile();

const match = (path: string): { entry: Entry; params: string[] } | null => {
  const exact = table.exact.get(path);
  if (exact) return { entry: exact, params: [] };
  const parts = path.split('/');
  for (const entry of table.withParams) {
    if (entry.pattern.length !== parts.length) continue;
    const params: string[] = [];
    const fits = entry.pattern.every((want, i) => {
      const part = parts[i] ?? '';
      if (!want.startsWith('{')) return want === part;
      params.push(part);
      return part !== '';
    });
    if (fits) return { entry, params };
  }
  return null;
};

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refusal('invalid', 'The request was not understood', 'the address is not well encoded', 'Encode it as a URL.');
  }
};

const coerce = (kind: Kind | undefined, name: string, values: string[]): unknown => {
  if (kind === 'list') return values.flatMap((v) => v.split(','));
  const [value = ''] = values;
  if (values.length > 1)
    throw refusal('invalid', 'The request was not understood', `${name.slice(0, 60)} is given ${values.length} times`, 'Give it once.');
  if (kind === 'number') return /^-?\d{1,16}(\.\d+)?$/.test(value) ? Number(value) : value;
  if (kind === 'boolean') return value === 'true' || value === '1' ? true : value === 'false' || value === '0' ? false : value;
  return value;
};

const inputFrom = async (req: IncomingMessage, route: Route, params: string[], query: string): Promise<unknown> => {
  const fields: [string, unknown][] = [];
  if (query !== '') {
    const search = new URLSearchParams(query);
    for (const name of new Set(search.keys())) fields.push([name, coerce(route.kinds.get(name), name, search.getAll(name))]);
  }
  if (req.method === 'POST' || req.method === 'PUT') {
    const text = await readBody(req, limitFor(route.procedure.meta));
    if (text !== '') {
      if (!/^application\/json\s*(;|$)/i.test(req.headers['content-type'] ?? ''))
        throw refusal('invalid', 'The request was not understood', 'its body is not application/json', 'Send JSON with that content type.');
      let body: unknown;
      try {
        body = JSON.parse(text);
      } catch {
        throw refusal('invalid', 'The request was not understood', 'its body is not JSON', 'Send a JSON object.');
      }
      if (typeof body !== 'object' || body === null || Array.isArray(body))
        throw refusal('invalid', 'The request was not understood', 'its body is not a JSON object', 'Send a JSON object.');
      fields.push(...Object.entries(body));
    }
  }
  for (const [i, name] of route.names.entries()) fields.push([name, decode(params[i] ?? '')]);
  return fields.length === 0 ? undefined : Object.fromEntries(fields);
};

export type RestAnswer = { status: number; body: Buffer | string; headers?: [string, string][] };

/** Null when there is no such route. The context is made here, after the route is known to exist. */
export const callRest = async (req: IncomingMessage, path: string, query: string, context: () => Context): Promise<RestAnswer | null> => {
  const found = match(path);
  if (!found) return null;
  const { entry, params } = found;
  const method = req.method === 'HEAD' ? 'GET' : (req.method ?? '');
  const route = entry.byMethod.get(method);
  if (!route)
    return {
      status: 405,
      headers: [
        ['allow', [...entry.byMethod.keys()].join(', ')],
        ['content-type', 'application/problem+json'],
      ],
      body: JSON.stringify({
        type: 'about:blank',
        title: 'This method is not known here',
        status: 405,
        code: 'invalid',
        what: 'The request was not understood',
        why: `${path} does not take this method`,
        todo: `It takes ${[...entry.byMethod.keys()].join(', ')}.`,
      }),
    };
  if (route === 'elsewhere') throw new Error(`${method} ${path} came to the wrong place`);
  if ('notYet' in route)
    throw refusal(
      'not-implemented',
      `${method} ${path} is not in this version`,
      `${route.notYet} comes with a later one`,
      '/api/openapi.json lists what there is.',
    );
  const { procedure } = route;
  const ctx = context();
  // The gate asks again; here it is for answers that don't pass it, and so that strangers don't make us read their bodies.
  if (procedure.meta.bytes || ctx.who().kind === 'nobody') authorize(ctx.who(), procedure.meta);
  const input = await inputFrom(req, route, params, query);
  if (procedure.meta.bytes) return { status: 200, body: await procedure.meta.bytes(ctx.services, input) };
  const result = await callTRPCProcedure({
    router: appRouter,
    path: procedure.path,
    getRawInput: () => Promise.resolve(input),
    ctx,
    type: procedure.type,
    signal: undefined,
    batchIndex: 0,
  });
  return { status: 200, body: JSON.stringify(result) };
};
