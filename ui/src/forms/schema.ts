/** What a form needs to know of a zod schema: what can be chosen, and the schema's own words when a value does not fit. */
import { z } from 'zod';

/** The choices of an enum or of a union of them; null when any text may be typed. */
export const choicesOf = (schema: z.ZodType): string[] | null => {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return Array.isArray(json.enum) && json.enum.every((v) => typeof v === 'string') ? json.enum : null;
};
/** Fixed words a union offers beside free text (`none`, `auto`). */
export const wordsOf = (schema: z.ZodType): string[] => {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return (json.anyOf ?? []).flatMap((part) =>
    typeof part !== 'object' ? [] : typeof part.const === 'string' ? [part.const] : Array.isArray(part.enum) ? part.enum.map(String) : [],
  );
};
export const problemWith = (schema: z.ZodType, value: unknown): string | undefined => {
  const parsed = schema.safeParse(value);
  return parsed.success ? undefined : messageOf(parsed.error.issues[0]);
};
/** A union says only that nothing fits; the message of its last part is about the text form. */
const messageOf = (issue: z.core.$ZodIssue | undefined): string => {
  if (issue?.code === 'invalid_union') {
    const inner = issue.errors.at(-1)?.[0];
    if (inner) return messageOf(inner);
  }
  return issue?.message ?? 'this does not fit';
};
/** Every problem of a whole form, by dotted path. */
export const problemsOf = (schema: z.ZodType, value: unknown): Record<string, string> => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return {};
  return Object.fromEntries(parsed.error.issues.toReversed().map((i) => [i.path.map(String).join('.'), messageOf(i)]));
};
