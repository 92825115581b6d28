import fc from 'fast-check';
import { expect, test } from 'vitest';
import { deviceDigest } from '../../src/core/digest.ts';
import { decodeEntry, encodeEntry } from '../../src/core/entries.ts';
import { directConversationId, peerOf } from '../../src/protocol/ids.ts';
import { conversationChangeSchema } from '../../src/protocol/server-frames.ts';

const id = fc.stringMatching(/^[A-Za-z0-9_.@-]{1,64}$/);
const seq = fc.integer({ min: 1, max: 1e9 });

test('a pointer reads back as what it points to', () => {
  fc.assert(
    fc.property(id, id, seq, fc.option(id), fc.option(seq), (userId, peer, number, deviceId, target) => {
      const pointer = {
        seq: number,
        ...(target !== null && { target }),
        ...(deviceId !== null && { madeBy: deviceDigest(deviceId) }),
      };
      for (const names of [
        { conversationId: directConversationId(userId, peer), peer },
        { conversationId: `g:${peer}` },
      ]) {
        const { conversationId } = names;
        const isControl = target !== null && { isControl: true };
        const expected = { kind: 'message', conversationId, ...isControl, ...pointer };
        expect(decodeEntry(encodeEntry({ ...pointer, ...names }), userId)).toEqual(expected);
      }
      expect(peerOf([userId, peer], userId)).toBe(peer);
    }),
  );
});

test('a control message about no message is one all the same', () => {
  const entry = encodeEntry({ conversationId: 'g:team', seq: 40, isControl: true });
  expect(entry).toBe('g:team#14.0');
  expect(decodeEntry(entry, 'alice')).toEqual({
    kind: 'message',
    conversationId: 'g:team',
    seq: 40,
    isControl: true,
  });
});

test('a change of a conversation reads back as what it was', () => {
  const change = fc.constantFrom(...conversationChangeSchema.options);
  fc.assert(
    fc.property(id, id, change, seq, (userId, peer, what, version) => {
      for (const names of [
        { conversationId: directConversationId(userId, peer), peer },
        { conversationId: `g:${peer}` },
      ]) {
        const { conversationId } = names;
        const expected = { kind: 'conversation', conversationId, change: what, version };
        expect(decodeEntry(encodeEntry({ change: what, version, ...names }), userId)).toEqual(expected);
      }
    }),
  );
});

test('a change of a contact reads back as what it was', () => {
  fc.assert(
    fc.property(id, id, seq, (userId, contact, version) => {
      const entry = encodeEntry({ userId: contact, version });
      expect(decodeEntry(entry, userId)).toEqual({ kind: 'contact', userId: contact, version });
    }),
  );
});

test('anything else is none', () => {
  for (const entry of ['', 'bob', '#7', 'bob#', 'bob#7.', 'bob#+', 'bob#+x1', 'bob#7!']) {
    expect(() => decodeEntry(entry, 'alice'), entry).toThrow('Not a mailbox entry');
  }
});
