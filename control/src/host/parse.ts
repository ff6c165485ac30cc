/**
 * Reading what tools print, strictly: a field that is missing, of another type or of an unknown value makes the whole
 * answer unreadable, and that is a refusal, never a guess. Checked by hand: schemas over 1,000 x 40 fields cost too much.
 */
import { type Refusal, type Result, ok } from '../domain/refusal.ts';

class Unreadable extends Error {}
export const unreadable = (why: string): never => {
  throw new Unreadable(why);
};

/** Runs a reader; what it finds unreadable becomes a refusal, anything else is a bug and goes on. */
export const reading = <T>(what: string, read: () => T): Result<T> => {
  try {
    return ok(read());
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    const refusal: Refusal = {
      code: 'failed',
      what: `reading ${what}`,
      why: `its answer can't be understood: ${error.message}`,
      todo: 'check the version of the tool, and what it prints on the host',
    };
    return { ok: false, refusal };
  }
};

export type Fields = Readonly<Record<string, unknown>>;

export const json = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return unreadable(text === '' ? 'it is empty' : `it is not JSON (${text.length} characters)`);
  }
};
export const fields = (v: unknown, where: string): Fields =>
  typeof v === 'object' && v !== null && !Array.isArray(v) ? (v as Fields) : unreadable(`${where} is not an object`); // checked in this line
export const list = (v: unknown, where: string): readonly unknown[] => (Array.isArray(v) ? v : unreadable(`${where} is not a list`));
export const text = (v: unknown, where: string): string => (typeof v === 'string' ? v : unreadable(`${where} is not a text`));
export const textOrNull = (v: unknown, where: string): string | null => (v === null ? null : text(v, where));
export const flag = (v: unknown, where: string): boolean => (typeof v === 'boolean' ? v : unreadable(`${where} is not true or false`));
export const integer = (v: unknown, where: string): number =>
  typeof v === 'number' && Number.isSafeInteger(v) && v >= 0 ? v : unreadable(`${where} is not a whole number`);

const DIGITS = /^[0-9]{1,20}$/;
/** A number printed exactly, as text. Beyond 2^53 a size is rounded to what a number holds; counts never get there. */
export const count = (v: unknown, where: string): number =>
  typeof v === 'string' && DIGITS.test(v) ? Number(v) : unreadable(`${where} is not a number in digits`);
/** A guid stays text: it doesn't fit into a number. */
export const guid = (v: unknown, where: string): string =>
  typeof v === 'string' && DIGITS.test(v) ? v : unreadable(`${where} is not a guid in digits`);
export const oneOf = <T extends string>(allowed: ReadonlySet<string>, v: unknown, where: string): T =>
  typeof v === 'string' && allowed.has(v) ? (v as T) : unreadable(`${where} has a value that is not known: ${String(v).slice(0, 40)}`); // `allowed` holds exactly the values of T
