// What is read of a message while others change it: the newest is shown, whichever comes first.
import { expect, test } from 'vitest';
import type { ClientEvents } from '../../../src/client/client-events.ts';
import type { Request } from '../../../src/client/connection/connection.ts';
import { Emitter } from '../../../src/client/events.ts';
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

test('P5.12a: what came of a message while it was read is not undone by what was read', async () => {
  const storage = new MemoryStorage();
  const store = await Store.open(storage, async () => ({ userId: 'alice', deviceId: 'phone' }));
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
  // The server reads it before the change of 4, which comes first.
  let onServer = likedBy('bob', 'carol');
  const asked: number[] = [];
  const request = async (_action: string, { after }: { after: number }) => {
    asked.push(after);
    const read = onServer;
    if (asked.length === 1) {
      onServer = likedBy('bob');
      await inbox.take(told(4, onServer));
    }
    return { messages: [read], floorSeq: 1, headSeq: 4, end: true };
  };
  const read = async () => ({ arrivals: [{ slot: control(2), delivery: 'catch-up' as const }] });
  await takeRead({ store, inbox, request: request as unknown as Request }, { conversationId, read });
  expect(await store.message(conversationId, 1)).toEqual(likedBy('bob'));
  expect(store.timeline(conversationId).shownSeq).toBe(4);
  expect(asked).toEqual([0, 0]);
});
