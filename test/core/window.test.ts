import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  clientMsgIdDigest,
  findSend,
  floodWaitMs,
  payloadDigest,
  recordSend,
  WINDOW_SIZE,
  type Window,
} from '../../src/core/window.ts';
import { decodePointer, deviceDigest, encodePointer } from '../../src/core/pointers.ts';
import { directConversationId, peerOf } from '../../src/protocol/ids.ts';

const entry = (n: number, at = 1_795_000_000_000 + n) => ({
  id: clientMsgIdDigest(`message-${n}`),
  payload: payloadDigest(['text', { text: String(n) }, false]),
  seq: n + 1,
  counted: n,
  at,
});

test('I2: the window holds the last 16 sends, each once, and finds exactly those', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(30), { maxLength: 60 }), (sends) => {
      let window: Window = [];
      for (const n of sends) window = recordSend(window, entry(n));
      const newest = [...new Set(sends.toReversed())].slice(0, WINDOW_SIZE);
      expect(window).toHaveLength(newest.length);
      for (let n = 0; n <= 30; n++) {
        expect(findSend(window, entry(n).id)).toEqual(newest.includes(n) ? entry(n) : undefined);
      }
    }),
  );
});

test('a full window and its member fit one write unit', () => {
  let window: Window = [];
  for (let n = 0; n < WINDOW_SIZE; n++) window = recordSend(window, { ...entry(n), seq: 1e9, counted: 1e9 });
  expect(JSON.stringify(window).length).toBeLessThan(800);
});

test('the wait before one more send is what is left of floodMs since the sixteenth last', () => {
  let window: Window = [];
  for (let n = 0; n < WINDOW_SIZE - 1; n++) window = recordSend(window, entry(n, 1_000 + n));
  expect(floodWaitMs(window, 1_015, 50)).toBe(0);
  window = recordSend(window, entry(15, 1_015));
  expect(floodWaitMs(window, 1_016, 50)).toBe(34);
  expect(floodWaitMs(window, 1_050, 50)).toBe(0);
});

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
