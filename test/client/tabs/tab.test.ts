// What a tab hears of others, in whichever order: the channel and the lock are in the test's hands.
import { expect, test } from 'vitest';
import type { ClientEvents } from '../../../src/client/client-events.ts';
import { standardEnvironment } from '../../../src/client/environment.ts';
import { ImError } from '../../../src/client/errors.ts';
import { Emitter } from '../../../src/client/events.ts';
import type { SendState } from '../../../src/client/outbox/outgoing.ts';
import type { TabPlatform } from '../../../src/client/tabs/platform.ts';
import { Tab } from '../../../src/client/tabs/tab.ts';
import { View } from '../../../src/client/tabs/view.ts';
import type { AddressedCall, Joined, PackedEvent, TabMessage } from '../../../src/client/tabs/wire.ts';
import type { Message } from '../../../src/protocol/messages.ts';
import { unconnected } from './unconnected.ts';

const conversationId = 'd:alice:bob';

const messageAt = (seq: number): Message => ({
  conversationId,
  seq,
  clientMsgId: `message-${seq}`,
  serverTime: seq,
  from: 'bob',
  deviceId: 'phone',
  type: 'text',
  body: { text: String(seq) },
  recalled: false,
  edited: null,
  silent: false,
});

const joined = (lastSeq: number, missed: readonly Message[] = []): Joined => {
  const conversation = { conversationId, unread: 0, lastMessage: messageAt(lastSeq) };
  const conversations = [conversation] as unknown as Joined['conversations'];
  return {
    userId: 'alice',
    deviceId: 'web',
    state: 'synced',
    lastKick: 0,
    totalUnread: 0,
    conversations,
    outbox: [],
    missed,
  };
};

const draft = (clientMsgId: string) =>
  ({ clientMsgId, conversationId, to: conversationId, type: 'text', body: {}, silent: false }) as const;

/** `isHolder`: it has the lock; otherwise another tab has it, for ever. */
function openTab({ isHolder = false } = {}) {
  const events = new Emitter<ClientEvents>();
  const shown: number[] = [];
  events.on('message', ({ message }) => shown.push(message.seq));
  const posted: TabMessage[] = [];
  let hear: (event: { data: unknown }) => void = () => {};
  const platform: TabPlatform = {
    locks: { request: (_name, _options, hold) => (isHolder ? hold() : new Promise(() => {})) },
    openChannel: () => ({
      postMessage: (data) => void posted.push(data as TabMessage),
      close: () => {},
      addEventListener: (_type, listener) => (hear = listener),
    }),
  };
  const tab = new Tab({
    name: 'alice',
    platform,
    environment: standardEnvironment,
    view: new View(events, { retry: async () => {}, discard: async () => {} }),
    clientOptions: async () => unconnected(),
    onRole: () => {},
    onError: (error) => expect.fail(String(error)),
    onCleared: () => {},
  });
  /** A turn of the event loop later, for what it does when it has heard that. */
  const say = async (message: TabMessage) => {
    hear({ data: message });
    await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    tab,
    shown,
    posted,
    say,
    report: (holder: number, event: PackedEvent, lastKick = 0) =>
      say({ kind: 'report', holder, state: 'synced', lastKick, totalUnread: 0, event }),
    message: (seq: number): PackedEvent => ({
      name: 'message',
      payload: { conversationId, message: messageAt(seq), delivery: 'live' },
    }),
    /** What it asked last, to be answered by the holder. */
    answerJoin: async (value: Joined) => {
      const call = posted.findLast(
        (one): one is AddressedCall => one.kind === 'call' && one.action === 'join',
      )!;
      await say({ kind: 'answer', id: call.id, result: { value } });
    },
  };
}

test('what a holder tells waits until the tab knows what it missed', async () => {
  const { tab, shown, report, message, answerJoin } = openTab();
  await report(1, { name: 'hello' });
  await answerJoin(joined(4));
  await tab.ready;
  await report(2, { name: 'hello' });
  await report(2, message(6));
  expect(shown).toEqual([]);
  await answerJoin(joined(6, [messageAt(5)]));
  expect(shown).toEqual([5, 6]);
});

test('what an earlier holder told is passed over, and the later one is followed still', async () => {
  const { shown, report, message, answerJoin } = openTab();
  await report(2, { name: 'hello' });
  await answerJoin(joined(4));
  await report(1, { name: 'hello' });
  await report(1, message(9));
  await report(2, message(5));
  expect(shown).toEqual([5]);
});

test('what it asks says of which kick it had heard by then', async () => {
  const { tab, posted, report, answerJoin } = openTab();
  await report(1, { name: 'hello' });
  await answerJoin(joined(4));
  await report(1, { name: 'hello' }, 2);
  tab.calls.ask('start').catch(() => {});
  await report(1, { name: 'hello' }, 3);
  expect(posted.at(-1)).toMatchObject({ kind: 'call', action: 'start', lastKick: 2 });
});

test('what one hears is done with a message is not asked of a later holder, which may not know it any more', async () => {
  const { tab, posted, report, answerJoin } = openTab();
  const become = (clientMsgId: string, state: SendState): PackedEvent => ({
    name: 'sendState',
    payload: { ...draft(clientMsgId), state },
  });
  const states = ['queued', 'sending', 'sent', 'rejected', 'failed'] as const;
  await report(1, { name: 'hello' });
  await answerJoin(joined(4));
  const settled: string[] = [];
  const note = (what: string, asked: Promise<void>) => void asked.then(() => settled.push(what));
  for (const state of states) {
    note(`send ${state}`, tab.calls.ask('send', draft(state)));
    note(`retry ${state}`, tab.calls.ask('retry', state));
  }
  note('send discarded', tab.calls.ask('send', draft('discarded')));
  note('discard discarded', tab.calls.ask('discard', 'discarded'));

  // Before it has joined the second holder there is a third.
  await report(2, { name: 'hello' });
  for (const state of states) await report(2, become(state, state));
  await report(2, { name: 'discarded', clientMsgId: 'discarded' });
  const heard = ['sending', 'sent', 'rejected'].flatMap((state) => [`send ${state}`, `retry ${state}`]);
  expect(settled).toEqual([...heard, 'send discarded', 'discard discarded']);
  posted.length = 0;
  await report(3, { name: 'hello' });
  await answerJoin(joined(4));
  const asked = posted.flatMap((one) => (one.kind === 'call' && one.action !== 'join' ? [one] : []));
  expect(asked.map(({ action, takes }) => [action, takes])).toEqual([
    ['send', [draft('queued')]],
    ['retry', ['queued']],
    ['send', [draft('failed')]],
    ['retry', ['failed']],
  ]);
});

test('a holder does what it was asked, and not what one before it was', async () => {
  const { tab, posted, say } = openTab({ isHolder: true });
  await tab.ready;
  const { holder } = posted.find((one) => one.kind === 'report')!;
  const ask = (id: string, whom: number) =>
    say({ kind: 'call', id, action: 'send', takes: [draft(id)], lastKick: 0, holder: whom });
  await ask('of one before', holder - 1);
  await ask('of this one', holder);
  await tab.close(new ImError('closed', 'The test is over'));
  expect(posted.flatMap((one) => (one.kind === 'answer' ? [one.id] : []))).toEqual(['of this one']);
});
