// The client reads ids without the server's schemas: it must not read them otherwise.
import fc from 'fast-check';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { parseConversationId, parseTarget } from '../../src/client/ids.ts';
import * as protocol from '../../src/protocol/ids.ts';

const id = fc.oneof(
  fc.constantFrom(
    '',
    'alice',
    'bob',
    'Z',
    'a.b@c-d_e',
    'grün',
    'two words',
    'line\n',
    'x'.repeat(64),
    'x'.repeat(65),
  ),
  fc.string({ maxLength: 3 }),
);
const text = fc
  .tuple(fc.constantFrom('user', 'd', 'g', 'USER', ''), fc.array(id, { maxLength: 3 }))
  .map(([prefix, ids]) => [prefix, ...ids].join(':'));

test('a conversation id is what it is in the protocol', () => {
  fc.assert(
    fc.property(text, (value) => {
      expect(parseConversationId(value)).toEqual(protocol.parseConversationId(value));
    }),
    { numRuns: 2_000 },
  );
});

test('a target names the conversation that it names in the protocol', () => {
  fc.assert(
    fc.property(text, (target) => {
      const isTarget = v.is(protocol.targetSchema, target);
      const expected = isTarget ? protocol.resolveTarget(target, 'bob') : undefined;
      expect(parseTarget(target, 'bob')).toEqual(expected);
    }),
    { numRuns: 2_000 },
  );
});
