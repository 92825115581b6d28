// What goes into which request, and in which order.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inOrder, requestsOf } from '../../src/core/after-send.ts';

const keys = fc.array(
  fc.record({
    conversationId: fc.constantFrom('d:a:b', 'd:a:c', 'g:1'),
    seq: fc.integer({ min: 1, max: 20 }),
  }),
);

test('P8.32: each conversation is in order, once, in the places that it had', () => {
  fc.assert(
    fc.property(keys, (stored) => {
      const ordered = inOrder(stored);
      const distinct = new Set(stored.map(({ conversationId, seq }) => `${conversationId}#${seq}`));
      expect(new Set(ordered.map(({ conversationId, seq }) => `${conversationId}#${seq}`))).toEqual(distinct);
      expect(ordered).toHaveLength(distinct.size);
      for (const of of ['d:a:b', 'd:a:c', 'g:1']) {
        const seqs = ordered.filter(({ conversationId }) => conversationId === of).map(({ seq }) => seq);
        expect(seqs).toEqual(seqs.toSorted((left, right) => left - right));
      }
    }),
  );
  const [one, two, other] = [
    { conversationId: 'd:a:b', seq: 1 },
    { conversationId: 'd:a:b', seq: 2 },
    { conversationId: 'g:1', seq: 9 },
  ] as const;
  expect(inOrder([two, other, one])).toEqual([one, other, two]);
});

test('P8.32: requests hold all, in order, and no more than they may', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 60 })), (texts) => {
      const requests = requestsOf(texts, { messages: 3, bytes: 50 });
      expect(requests.flat()).toEqual(texts);
      for (const request of requests) {
        expect(request.length).toBeLessThanOrEqual(3);
        const bytes = request.reduce((sum, text) => sum + Buffer.byteLength(JSON.stringify(text)) + 1, 0);
        if (request.length > 1) expect(bytes).toBeLessThanOrEqual(50);
      }
    }),
  );
});
