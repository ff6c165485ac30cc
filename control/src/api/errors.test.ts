import { expect, test } from 'vitest';
import { z } from 'zod';
import { answerFor } from './errors.ts';

const told = (schema: z.ZodType, value: unknown) => answerFor(schema.safeParse(value).error, 'id').problem;

test('a value that does not fit is told in the words of its rule, with where it stood', () => {
  const schema = z.object({ changes: z.array(z.object({ as: z.string().regex(/^[a-z]/, 'a pool name begins with a letter') })) });
  expect(told(schema, { changes: [{ as: '1' }] })).toEqual({
    code: 'invalid',
    what: 'What was given can not be used',
    why: 'a pool name begins with a letter (changes.0.as)',
    todo: 'Nothing was changed. Give another value.',
  });
});

test('a request of another shape is told to whoever wrote it', () => {
  const problem = told(z.object({ name: z.string(), as: z.string().regex(/^[a-z]/, 'a letter first') }), { as: '1', more: 1 });
  expect(problem).toMatchObject({ what: 'The request was not understood', todo: expect.stringContaining('openapi') });
  expect(problem.why).toMatch(/^name: Invalid input.*; as: a letter first$/);
});
