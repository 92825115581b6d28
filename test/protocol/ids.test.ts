// Ids and targets are read in two ways, as schemas and without: both must take the same.
import fc from 'fast-check';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { conversationIdSchema, targetSchema, userIdSchema } from '../../src/protocol/id-schemas.ts';
import { directConversationId, parseConversationId, parseTarget } from '../../src/protocol/ids.ts';

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

test('user:<userId> names the direct conversation with who may be a user, and with nobody else', () => {
  fc.assert(
    fc.property(id, (userId) => {
      const target = `user:${userId}`;
      const conversationId = directConversationId('bob', userId);
      const isUser = v.is(userIdSchema, userId);
      expect(parseTarget(target, 'bob')?.conversationId).toBe(isUser ? conversationId : undefined);
      expect(v.is(targetSchema, target)).toBe(isUser);
    }),
    { numRuns: 2_000 },
  );
});

test('a conversation id is of one user and the next, or of a group', () => {
  const text = fc
    .tuple(fc.constantFrom('d', 'g', 'D', 'user', ''), fc.array(id, { maxLength: 3 }))
    .map(([prefix, ids]) => [prefix, ...ids].join(':'));
  fc.assert(
    fc.property(text, (value) => {
      const [prefix, ...ids] = value.split(':');
      const areIds = ids.every((each) => v.is(userIdSchema, each));
      const isDirect = prefix === 'd' && ids.length === 2 && ids[0]! <= ids[1]!;
      const isConversation = areIds && (isDirect || (prefix === 'g' && ids.length === 1));
      expect(parseConversationId(value)?.conversationId).toBe(isConversation ? value : undefined);
      expect(v.is(conversationIdSchema, value)).toBe(isConversation);
    }),
    { numRuns: 2_000 },
  );
});
