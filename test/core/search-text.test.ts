// P5.19: what is the same text for a search, and what of a message is searched.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { REQUEST_BYTES, sizeBytes, Bounds } from '../../src/core/search/bounds.ts';
import { decodeCursor, encodeCursor, type Position } from '../../src/core/search/cursor.ts';
import { toRuns } from '../../src/core/search/pointed.ts';
import { fold, foldQuery, textsOf } from '../../src/core/search/text.ts';

describe('folding', () => {
  test.each([
    ['case', 'ΣΊΣΥΦΟΣ', 'σίσυφος'],
    ['accents, however they are composed', 'caf\u00e9', 'CAFE\u0301'],
    ['wide letters', 'ＡＢＣ１２３', 'abc123'],
    ['half-wide kana', 'ﾃｽﾄ', 'テスト'],
    ['ligatures', 'ﬁnal', 'FINAL'],
    ['hangul, however it is composed', '한글', '한글'.normalize('NFD')],
  ])('%s', (_, left, right) => expect(fold(left)).toBe(fold(right)));

  test.each([
    ['é', 'e'],
    ['ü', 'u'],
    ['か', 'が'],
  ])('%s is not %s', (left, right) => expect(fold(left)).not.toBe(fold(right)));

  test('whatever a text holds is found in it, in its upper case where that has one, and folded again it is the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (before, after) => {
        const text = `${before} Ünïcode 日本語 ${after}`;
        expect(fold(text)).toContain(foldQuery('ünÏcode 日本語 ')!);
        expect(fold(fold(text))).toBe(fold(text));
      }),
    );
  });

  test('a query of blanks is none', () => expect(foldQuery('\u3000 \t')).toBeUndefined());
});

test.each([
  ['text', { text: 'hello', name: 'no' }, ['hello']],
  ['image', { url: 'https://x/secret.png', name: 'cat.png', text: 'our cat' }, ['our cat', 'cat.png']],
  ['file', { url: 'u', name: 'plan.pdf' }, ['plan.pdf']],
  ['custom', { text: 'a poll', name: 'no', options: ['no'] }, ['a poll']],
  ['custom', { text: { nested: 'no' } }, []],
])('of a message of type %s', (type, body, texts) => {
  expect(textsOf({ type, body: JSON.stringify(body) })).toEqual(texts);
});

describe('cursors', () => {
  const count = fc.nat();
  const window = fc
    .tuple(count, count, count)
    .map(([end, length, since]) => ({ head: end + length, end, since }));
  const positions: fc.Arbitrary<Position> = fc.oneof(
    fc.record({ part: fc.constant('one' as const), conversationId: fc.string(), below: count }),
    window.map((fields) => ({ part: 'recent' as const, ...fields, upTo: fields.head })),
    fc
      .record({ window, conversationId: fc.string(), below: count })
      .map(({ window: fields, ...place }) => ({ part: 'rest' as const, ...fields, ...place })),
  );
  test('come back as they were made', () => {
    fc.assert(
      fc.property(positions, (position) => {
        expect(decodeCursor(encodeCursor(position))).toEqual(position);
      }),
    );
  });
  test('anything else is none, and harms nobody', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.array(fc.anything()).map(String)), (text) => {
        expect(decodeCursor(text)).toBeUndefined();
        expect(decodeCursor(Buffer.from(text).toString('base64url'))).toBeUndefined();
      }),
    );
  });
});

test('neighbours are read together, whatever order they come in', () => {
  const keys = [9, 3, 1, 20, 21].map((seq) => ({ conversationId: 'd:a:b', seq }));
  expect(toRuns([...keys, { conversationId: 'd:a:c', seq: 22 }])).toEqual([
    { conversationId: 'd:a:b', seqs: [1, 3] },
    { conversationId: 'd:a:b', seqs: [9] },
    { conversationId: 'd:a:b', seqs: [20, 21] },
    { conversationId: 'd:a:c', seqs: [22] },
  ]);
});

test('B19: whatever the sizes of messages are, a request ends at one and a half times what it may read; alike ones, at it', () => {
  const read = (sizeOf: (index: number) => number) => {
    const bounds = new Bounds();
    let total = 0;
    for (let index = 0; !bounds.isSpent;) {
      const page: { body: string }[] = [];
      let pageBytes = 0;
      const limit = bounds.next;
      while (page.length < limit && pageBytes < REQUEST_BYTES) {
        const item = { body: 'x'.repeat(Math.max(0, sizeOf(index++) - 4)) };
        page.push(item);
        pageBytes += sizeBytes(item);
      }
      bounds.take(page);
      total += pageBytes;
    }
    return total;
  };
  for (const size of [200, 1_000, 17_000]) {
    expect(read(() => size)).toBeLessThanOrEqual(REQUEST_BYTES + 17_000);
  }
  fc.assert(
    fc.property(fc.nat(8_000), fc.integer({ min: 100, max: 400 }), (jump, small) => {
      expect(read((index) => (index < jump ? small : 17_000))).toBeLessThanOrEqual(
        1.5 * REQUEST_BYTES + 17_000,
      );
    }),
    { numRuns: 50 },
  );
});
