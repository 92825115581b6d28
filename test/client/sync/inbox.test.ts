// What is unread, from what the server counted, what was read elsewhere and what has come, in whatever order these come.
import { expect, test } from 'vitest';
import { MemoryStorage } from '../../../src/client/storage/memory.ts';
import { Store } from '../../../src/client/store/store.ts';
import { Inbox } from '../../../src/client/sync/inbox.ts';
import type { Message } from '../../../src/protocol/messages.ts';

const conversationId = 'd:alice:bob';

async function openInbox() {
  const store = await Store.open(new MemoryStorage(), async () => ({ userId: 'alice', deviceId: 'phone' }));
  const nothing = () => undefined;
  const inbox = new Inbox({
    store,
    userId: 'alice',
    keepMessages: 100,
    confirm: nothing,
    onMessage: nothing,
    onRevised: nothing,
    onControl: nothing,
    onLost: nothing,
    onChanged: nothing,
    onHole: nothing,
  });
  return { inbox, unread: () => store.conversation(conversationId).unread };
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
