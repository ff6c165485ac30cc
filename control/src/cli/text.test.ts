import { describe, expect, it } from 'vitest';
import { clean, nearest, pad, safeJson, shorten, widthOf, wrap } from './text.ts';

describe('clean', () => {
  it('leaves nothing that a terminal would obey', () => {
    const evil = 'a\x1b[2Jb\rc\u009b31md\u202ee\u200bf\x7f\0g\nh\u2028i\ufeff';
    const shown = clean(evil);
    expect(shown).not.toMatch(/[\p{Cc}\u200b-\u200f\u2028-\u202e\ufeff]/u);
    expect(shown).toContain('\\x1b[2J');
    expect(shown).toContain('\\u{202e}');
  });
  it('leaves what people write alone', () => {
    for (const text of ['tank/media', 'Fotos für Zoë', '写真', 'a — b', '👍🏽 ok', 'naïve é']) expect(clean(text)).toBe(text);
  });
});

describe('safeJson', () => {
  it('says the same to a JSON parser, without characters that a terminal would obey', () => {
    const value = { a: 'x\x9b31m\x7f\u202e', b: ['\u{e0041}', 'plain', 'two\nlines'] };
    const text = safeJson(value, 2);
    expect(JSON.parse(text)).toEqual(value);
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u);
    expect(text).not.toContain('\u{e0041}');
  });
});

describe('widths', () => {
  it('counts columns, not characters', () => {
    expect(widthOf('tank')).toBe(4);
    expect(widthOf('写真')).toBe(4);
    expect(widthOf('e\u0301')).toBe(1);
    expect(widthOf('👍🏽')).toBe(2);
  });
  it('shortens to what fits, at the end or in the middle', () => {
    expect(shorten('tank/media/films', 10)).toBe('tank/medi…');
    expect(shorten('tank/media/films', 9, 'middle')).toBe('tank…ilms');
    expect(widthOf(shorten('写真写真写真', 7))).toBeLessThanOrEqual(7);
    expect(shorten('short', 10)).toBe('short');
  });
  it('pads by columns', () => {
    expect(pad('写', 4)).toBe('写  ');
    expect(pad('7', 3, 'right')).toBe('  7');
  });
  it('wraps at spaces and keeps long words whole', () => {
    expect(wrap('one two three', 8)).toEqual(['one two', 'three']);
    expect(wrap('see /a/very/long/path now', 8)).toEqual(['see', '/a/very/long/path', 'now']);
  });
});

describe('nearest', () => {
  it.each([
    ['datset', 'dataset'],
    ['lsit', 'list'],
    ['snap', 'snapshot'],
  ])('%s -> %s', (typed, meant) => expect(nearest(typed, ['list', 'dataset', 'snapshot', 'pool'])).toBe(meant));
  it('says nothing when nothing is near', () => expect(nearest('zzzzz', ['list', 'pool'])).toBeUndefined());
});
