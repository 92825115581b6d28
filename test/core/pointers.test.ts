import fc from 'fast-check';
import { expect, test } from 'vitest';
import { deviceDigest } from '../../src/core/digest.ts';
import { decodePointer, encodePointer } from '../../src/core/pointers.ts';
import { directConversationId, peerOf } from '../../src/protocol/ids.ts';

test('a pointer reads back as what it points to', () => {
  const id = fc.stringMatching(/^[A-Za-z0-9_.@-]{1,64}$/);
  fc.assert(
    fc.property(id, id, fc.integer({ min: 1, max: 1e9 }), fc.option(id), (userId, peer, seq, deviceId) => {
      const conversationId = directConversationId(userId, peer);
      const pointer = { conversationId, seq, ...(deviceId && { madeBy: deviceDigest(deviceId) }) };
      expect(decodePointer(encodePointer({ ...pointer, peer }), userId)).toEqual(pointer);
      const group = { ...pointer, conversationId: `g:${peer}` };
      expect(decodePointer(encodePointer(group), userId)).toEqual(group);
      expect(peerOf([userId, peer], userId)).toBe(peer);
    }),
  );
});
