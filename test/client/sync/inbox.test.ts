// What is unread, from what the server counted, what was read elsewhere and what has come, in whatever order these come.
import { expect, test } from 'vitest';
import type { ClientEvents } from '../../../src/client/client-events.ts';
import { Emitter } from '../../../src/client/events.ts';
import { MemoryStorage } from '../../../src/client/storage/memory.ts';
import { Store } from '../../../src/client/store/store.ts';
import { Inbox } from '../../../src/client/sync/inbox.ts';
import type { Message } from '../../../src/protocol/messages.ts';

const conversationId = 'd:alice:bob';

async function openInbox(storage = new MemoryStorage()) {
  const store = await Store.open(storage, async () => ({ userId: 'alice', deviceId: 'phone' }));
  const nothing = () => undefined;
  const shown: Message[] = [];
  const inbox = new Inbox({
    store,
    events: new Emitter<ClientEvents>(),
    keepMessages: 100,
    confirm: nothing,
    withoutRefused: async () => undefined,
    onShown: (message) => shown.push(message),
    onChanged: nothing,
    onHole: nothing,
  });
  return { inbox, shown, unread: () => store.conversation(conversationId).unread };
}

const message = (seq: number): Message => ({
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
});

const arrival = (seq: number) => ({ slot: message(seq), delivery: 'live' as const });

test('I6: what the server has counted and is on its way is not forgotten when something before it was read elsewhere', async () => {
  const { inbox, unread } = await openInbox();
  await inbox.take({ arrivals: [arrival(1), arrival(2)] });
  await inbox.note([{ conversationId, readSeq: 0, isTold: true, counted: { unread: 3, seq: 3 } }]);
  await inbox.note([{ conversationId, readSeq: 2, isTold: true }]);
  expect(unread()).toBe(1);
  await inbox.take({ arrivals: [arrival(3)] });
  expect(unread()).toBe(1);
  await inbox.note([{ conversationId, readSeq: 3, isTold: true }]);
  expect(unread()).toBe(0);
});

test('I4: a message that waits for one before it is shown as it was when it came last, not as it came first', async () => {
  const { inbox, shown } = await openInbox();
  await inbox.take({ arrivals: [arrival(1), arrival(3), arrival(4), arrival(5)] });
  const edited: Message = { ...message(3), edited: 7, body: { text: 'edited' } };
  const recalled: Message = { ...message(4), recalled: true, body: {} };
  // A page of history, long after; of one message an older one comes later still.
  for (const slots of [[edited, recalled], [message(3), message(4)], [message(2)]]) {
    await inbox.take({ arrivals: slots.map((slot) => ({ slot, delivery: 'catch-up' })) });
  }
  expect(shown).toEqual([message(1), message(2), edited, recalled, message(5)]);
});

test('I4: what a message became is known to an app that starts again before the message comes', async () => {
  const storage = new MemoryStorage();
  const reacted: Message = {
    ...message(2),
    reactions: [{ emoji: '👍', count: 1, users: ['carol'], mine: false }],
  };
  const control: Message = { ...message(3), type: 'control', body: { op: 'reaction', seq: 2, by: 'carol' } };
  const { inbox } = await openInbox(storage);
  await inbox.take({ arrivals: [arrival(1)] });
  await inbox.take({
    arrivals: [{ slot: control, delivery: 'live' }],
    targets: [{ message: reacted, controlSeq: 3 }],
  });
  const again = await openInbox(storage);
  await again.inbox.take({ arrivals: [arrival(2)] });
  expect(again.shown).toEqual([reacted]);
});
