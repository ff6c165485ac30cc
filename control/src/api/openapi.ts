/** The OpenAPI 3.1 document, made from the procedures when it is asked for. Loaded then, and not kept. */
import { z } from 'zod';
import { Permission, Role, ROLES } from '../domain/user/role.ts';
import { NOT_YET } from './not-yet.ts';
import { procedures } from './rest.ts';
import { DOWNLOAD } from './download.ts';
import { UPLOAD } from './upload.ts';

type Json = Record<string, unknown>;
const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
};
/** An input may be left out as a whole; what it holds is what matters to a reader. */
const objectOf = (schema: Json): { properties: Record<string, Json>; required: string[] } => ({
  // z.toJSONSchema gives an object schema for every input, as the test of the declarations shows
  properties: (schema.properties ?? {}) as Record<string, Json>,
  required: (schema.required ?? []) as string[],
});
const problem = {
  description: 'Refused: what, why, and what to do.',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};

export const openApi = (version: string): Json => {
  const paths: Record<string, Record<string, Json>> = {};
  const at = (path: string): Record<string, Json> => {
    const known = paths[path] ?? {};
    paths[path] = known;
    return known;
  };
  for (const { path, meta, input } of procedures()) {
    if (!meta.rest) continue;
    const { method, path: route } = meta.rest;
    const { properties, required } = objectOf(input ? schemaOf(input, 'input') : {});
    const inPath = new Set([...route.matchAll(/\{(\w+)\}/g)].map((m) => m[1] ?? ''));
    const hasBody = method === 'POST' || method === 'PUT';
    const rest = Object.entries(properties).filter(([name]) => !inPath.has(name));
    at(route)[method.toLowerCase()] = {
      operationId: path,
      summary: meta.about,
      tags: [path.split('.')[0]],
      'x-permission': meta.permission,
      ...(meta.local && { 'x-local-root-only': true }),
      security: meta.permission === 'public' ? [] : [{ session: [] }, { token: [] }],
      parameters: [
        ...[...inPath].map((name) => ({ name, in: 'path', required: true, schema: properties[name] ?? { type: 'string' } })),
        ...(hasBody ? [] : rest.map(([name, schema]) => ({ name, in: 'query', required: required.includes(name), schema }))),
      ],
      ...(hasBody &&
        rest.length > 0 && {
          requestBody: {
            required: required.some((name) => !inPath.has(name)),
            content: {
              'application/json': {
                schema: {
                  type: 'object',
                  properties: Object.fromEntries(rest),
                  required: required.filter((name) => !inPath.has(name)),
                  additionalProperties: false,
                },
              },
            },
          },
        }),
      responses: {
        200: { description: 'Done.', content: { 'application/json': { schema: meta.answer ? schemaOf(meta.answer, 'output') : {} } } },
        default: problem,
      },
    };
  }
  at(UPLOAD.path)[UPLOAD.method.toLowerCase()] = {
    operationId: 'updates.upload',
    summary: UPLOAD.about,
    tags: ['updates'],
    'x-permission': UPLOAD.permission,
    security: [{ session: [] }, { token: [] }],
    parameters: [{ name: 'name', in: 'query', required: false, schema: { type: 'string', maxLength: 255 } }],
    requestBody: { required: true, content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } } },
    responses: {
      200: {
        description: 'Handed over to the updater.',
        content: { 'application/json': { schema: { type: 'object', required: ['id'], properties: { id: { type: 'string' } } } } },
      },
      default: problem,
    },
  };
  at(DOWNLOAD.path)[DOWNLOAD.method.toLowerCase()] = {
    operationId: 'snapshots.file',
    summary: DOWNLOAD.about,
    tags: ['snapshots'],
    'x-permission': DOWNLOAD.permission,
    security: [{ session: [] }, { token: [] }],
    parameters: ['dataset', 'tag', 'guid', 'path'].map((name) => ({ name, in: 'query', required: true, schema: { type: 'string' } })),
    responses: {
      200: { description: 'The bytes.', content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } } },
      default: problem,
    },
  };
  for (const { methods, path, what } of NOT_YET)
    for (const method of methods)
      at(path)[method.toLowerCase()] = {
        summary: `Not in this version: ${what}.`,
        deprecated: false,
        'x-not-yet': true,
        responses: { 501: problem },
      };
  return {
    openapi: '3.1.0',
    info: {
      title: 'D-PlaneOS',
      version,
      license: { name: 'AGPL-3.0-or-later', identifier: 'AGPL-3.0-or-later' },
      description:
        'Every change is a plan: make it, approve what is destructive, apply it. A request with a session cookie that changes something carries the header `x-dplane: 1`. ' +
        'Refusals: 400 invalid, 401 not logged in, 403 not permitted, 404 not there, 409 conflict or stale, 413 too large, 422 blocked whatever the approval, 423 waits for an approval, ' +
        '429 too many attempts, 501 not in this version, 502 a tool failed, 503 busy or unavailable, 504 no answer in time.',
    },
    paths,
    components: {
      schemas: {
        Problem: {
          type: 'object',
          required: ['code', 'what', 'why', 'todo'],
          properties: {
            code: { type: 'string' },
            what: { type: 'string' },
            why: { type: 'string' },
            todo: { type: 'string' },
            id: { type: 'string' },
            title: { type: 'string' },
            status: { type: 'integer' },
          },
        },
      },
      securitySchemes: { session: { type: 'apiKey', in: 'cookie', name: '__Host-dplane' }, token: { type: 'http', scheme: 'bearer' } },
    },
    'x-roles': Object.fromEntries(Role.options.map((role) => [role, [...ROLES[role]]])),
    'x-permissions': Permission.options,
  };
};
