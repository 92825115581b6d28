// What the server may say in years to come: a client of today reads what it knows and passes over the rest.
import { expect, test } from 'vitest';
import { parseAnswer, parseFrame } from '../../src/client/frames.ts';

const message = {
  conversationId: 'd:alice:bob',
  seq: 7,
  clientMsgId: 'message-0007',
  serverTime: 1_795_000_000_000,
  from: 'alice',
  deviceId: 'phone',
  type: 'text',
  body: { text: 'hi' },
  recalled: false,
  edited: null,
  silent: false,
};
const push = (events: unknown[]) =>
  parseFrame(JSON.stringify({ push: 'sync', from: 1, to: events.length, events }));

test('messages and voids are read as they are, with fields that are new', () => {
  const voidSlot = { conversationId: 'd:alice:bob', seq: 8, void: true };
  expect(
    push([
      { syncSeq: 1, kind: 'message', message },
      { syncSeq: 2, kind: 'message', message: { ...message, stamps: ['+1'] } },
      { syncSeq: 3, kind: 'message', message: voidSlot },
    ]),
  ).toEqual({
    push: 'sync',
    from: 1,
    to: 3,
    events: [
      { syncSeq: 1, slot: message },
      { syncSeq: 2, slot: { ...message, stamps: ['+1'] } },
      { syncSeq: 3, slot: voidSlot },
    ],
  });
});

test('an event of an unknown kind only counts; a message of an unknown type is a message', () => {
  const sticker = { ...message, type: 'sticker', body: { pack: 3 } };
  expect(
    push([
      { syncSeq: 1, kind: 'read', conversationId: 'd:alice:bob', userId: 'bob', readSeq: 9 },
      { syncSeq: 2, kind: 'message', message: sticker },
    ]),
  ).toMatchObject({ events: [{ syncSeq: 1 }, { syncSeq: 2, slot: sticker }] });
});

test('a message that cannot be read is a void: it holds up nothing behind it', () => {
  expect(push([{ syncSeq: 1, kind: 'message', message: { ...message, body: 'no object' } }])).toMatchObject({
    events: [{ syncSeq: 1, slot: { conversationId: 'd:alice:bob', seq: 7, void: true } }],
  });
});

test('a refusal of an unknown code keeps its code', () => {
  const error = { code: 'group_frozen', message: 'not now', retryable: true };
  expect(parseFrame(JSON.stringify({ id: 'r1', ok: false, error }))).toEqual({ id: 'r1', ok: false, error });
});

test.each([
  '',
  'no JSON',
  '7',
  'null',
  '[]',
  '{}',
  '{"push":"fireworks"}',
  '{"push":"sync","from":0,"to":1}',
])('nothing known: %s', (text) => {
  expect(parseFrame(text)).toBeUndefined();
});

test('an answer that lacks what it must have is none', () => {
  expect(parseAnswer('sync', { id: 'r1', ok: true, events: [], next: 3 })).toBeUndefined();
  expect(parseAnswer('sync', { id: 'r1', ok: true, reset: true, head: 3 })).toEqual({ reset: true, head: 3 });
  expect(parseAnswer('ping', { id: 'r1', ok: true, head: 3, serverTime: 1, more: 'later' })).toEqual({
    head: 3,
    serverTime: 1,
  });
});
