// What others wrote, on its way to the terminal: nothing in it steers, and its lines are as wide as they may be.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clean, fit, oneLine, widthOf, wrap } from '../../cli/text.ts';

const withControls = fc.string({
  unit: fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    fc.constantFrom('\u001b', '\u009b', '\n', '\r', '你', '👩‍🚀', ' '),
  ),
});

describe('what steers a terminal', () => {
  test('is taken out: escape sequences, bells, C1, and what turns the direction', () => {
    expect(clean('\u001b[31mred\u001b[0m')).toBe('[31mred[0m');
    expect(clean('\u001b]0;title\u0007text')).toBe(']0;titletext');
    expect(clean('\u009b2J\u0090x\u0085y\u007f\u0000')).toBe('2Jxy');
    expect(clean('abc\u202Edcb\u2066')).toBe('abcdcb');
    expect(clean('lone \ud800 surrogate')).toBe('lone  surrogate');
  });

  test('but lines stay lines, and tabs have a width', () => {
    expect(clean('a\r\nb\rc\u2028d\te')).toBe('a\nb\nc\nd  e');
    expect(oneLine(' a\n\u001bb\t c ')).toBe('a b c');
  });

  test('never comes through, whatever it stands in', () => {
    fc.assert(
      fc.property(withControls, (text) => {
        expect(clean(text)).not.toMatch(/(?!\n)\p{Cc}/u);
        expect(oneLine(text)).not.toMatch(/\p{Cc}/u);
      }),
    );
  });

  test('and what is harmless stays as it is', () => {
    const text = 'Grüße, 你好, שלום, 👩‍🚀❤️ e\u0301';
    expect(clean(text)).toBe(text);
  });
});

describe('lines', () => {
  test('break between words, long words anywhere', () => {
    expect(wrap('one two three', 8)).toEqual(['one two', 'three']);
    expect(wrap('one two three', 5, 8)).toEqual(['one two', 'three']);
    expect(wrap('https://example.com/a', 10)).toEqual(['https://ex', 'ample.com/', 'a']);
    expect(wrap('a\n\nb', 5)).toEqual(['a', '', 'b']);
  });

  test('count wide characters twice', () => {
    expect(wrap('你好世界', 5)).toEqual(['你好', '世界']);
    expect(fit('你好世界', 6)).toBe('你好… ');
    expect(fit('👩‍🚀', 4)).toBe('👩‍🚀  ');
  });

  test('are never wider than they may be, and lose nothing but blanks', () => {
    fc.assert(
      fc.property(withControls, fc.integer({ min: 2, max: 40 }), fc.nat(9), (text, width, more) => {
        const safe = clean(text);
        const [head = '', ...rest] = wrap(safe, width, width + more);
        expect(widthOf(head)).toBeLessThanOrEqual(width + more);
        for (const line of rest) expect(widthOf(line)).toBeLessThanOrEqual(width);
        expect(widthOf(fit(oneLine(text), width))).toBe(width);
        const dense = (given: string) => given.replaceAll(/\s/g, '');
        // Beyond that, a character with marks piled up on it may be too wide for any line.
        if (width >= 20) expect(dense([head, ...rest].join(''))).toBe(dense(safe));
      }),
      { numRuns: 500 },
    );
  });

  test('hold nothing that is too wide for any', () => {
    expect(wrap(`a${'\u0903'.repeat(9)}`, 4)).toEqual(['?']);
  });
});
