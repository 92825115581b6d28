// What is read of a message while others change it: the newest is shown, whichever comes first.
import { expect, test } from 'vitest';
import type { ClientEvents } from '../../../src/client/client-events.ts';
import type { Request } from '../../../src/client/connection/connection.ts';
import { Emitter } from '../../../src/client/events.ts';
import { extraOperations } from '../../../src/client/extra-operations.ts';
import { MemoryStorage } from '../../../src/client/storage/memory.ts';
import { Store } from '../../../src/client/store/store.ts';
import { Inbox, type Intake } from '../../../src/client/sync/inbox.ts';
import { takeRead } from '../../../src/client/sync/targets.ts';
import type { Message } from '../../../src/protocol/messages.ts';

const conversationId = 'd:alice:bob';

const message = (seq: number, more: Partial<Message> = {}): Message => ({
  conversationId,
  seq,
  clientMsgId: `message-${seq}`,
  serverTime: seq,
  from: 'bob',
  deviceId: 'phone',
  type: 'text',
  body: { text: `${seq}` },
  recalled: false,
  edited: null,
  silent: false,
  ...more,
});

const control = (seq: number): Message =>
  message(seq, { type: 'control', body: { op: 'reaction', seq: 1, by: 'bob' }, silent: true });
const likedBy = (...users: string[]): Message =>
  message(1, { reactions: [{ emoji: '👍', count: users.length, users, mine: false }] });
/** As the mailbox brings it. */
const told = (seq: number, by: Message): Intake => ({
  arrivals: [{ slot: control(seq), delivery: 'live' }],
  targets: [{ message: by, controlSeq: seq }],
});

/** A device that has message 1, which bob likes; while it reads it, carol, who liked it too, likes it no more. */
async function openScene(onServer = likedBy('bob', 'carol')) {
  const store = await Store.open(new MemoryStorage(), async () => ({ userId: 'alice', deviceId: 'phone' }));
  const nothing = () => undefined;
  const inbox = new Inbox({
    store,
    events: new Emitter<ClientEvents>(),
    keepMessages: 100,
    confirm: nothing,
    withoutRefused: async () => undefined,
    onShown: nothing,
    onChanged: nothing,
    onHole: nothing,
  });
  await inbox.take({ arrivals: [{ slot: message(1), delivery: 'live' }] });
  await inbox.take(told(3, likedBy('bob')));
  let asked = 0;
  const ask = async () => {
    const isFirst = ++asked === 1;
    // The server read it before the change, and that comes before the page.
    if (isFirst) await inbox.take(told(4, likedBy('bob')));
    return {
      messages: [isFirst ? onServer : likedBy('bob')],
      floorSeq: 1,
      headSeq: 4,
      end: true,
    };
  };
  return { store, inbox, request: ask as unknown as Request, asked: () => asked };
}

test('P5.12a: what came of a message while it was read is not undone by what was read', async () => {
  const { store, inbox, request, asked } = await openScene();
  const read = async () => ({ arrivals: [{ slot: control(2), delivery: 'catch-up' as const }] });
  await takeRead({ store, inbox, request }, { conversationId, read });
  expect(await store.message(conversationId, 1)).toEqual(likedBy('bob'));
  expect(store.timeline(conversationId).shownSeq).toBe(4);
  expect(asked()).toBe(2);
});

test('P5.12a: a page of history has its messages as they became while it was read', async () => {
  const { store, inbox, request } = await openScene();
  const session = { link: { ask: request }, inbox };
  const parts = { session, store } as unknown as Parameters<typeof extraOperations.history>[0];
  const { messages } = await extraOperations.history(parts, conversationId, { after: 0, limit: 1 });
  expect(messages).toEqual([likedBy('bob')]);
});

test('I7: a page that knows of a recall shows it, whatever came of the message from before', async () => {
  const recalled = message(1, { recalled: true, body: {} });
  const { store, inbox, request } = await openScene(recalled);
  const session = { link: { ask: request }, inbox };
  const parts = { session, store } as unknown as Parameters<typeof extraOperations.history>[0];
  const { messages } = await extraOperations.history(parts, conversationId, { after: 0, limit: 1 });
  expect(messages).toEqual([recalled]);
});
