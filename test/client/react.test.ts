// The React hooks, in a document, over the real local cloud: what components show is what is so, and nothing stays of them.
import { Window } from 'happy-dom';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import type { ImClient } from '../../src/client/im-client.ts';
import type { Messages } from '../../src/client/react/hooks.ts';
import { startCloud } from '../support/cloud.ts';
import { closeWhenSettled, Devices, directId, newUser, range, type Device } from './devices.ts';

const window = new Window();
const globals = globalThis as Record<string, unknown>;
globals['window'] = window;
globals['document'] = window.document;
globals['navigator'] = window.navigator;
globals['IS_REACT_ACT_ENVIRONMENT'] = true;
// Only now, for react-dom looks for a document when it is loaded.
const { act, createElement, StrictMode } = await import('react');
const { createRoot } = await import('react-dom/client');
const hooks = await import('../../src/client/react/hooks.ts');

let cloud: Cloud;
let devices: Devices;
beforeAll(async () => {
  cloud = await startCloud();
  devices = new Devices(cloud);
});
afterEach(() => devices.close());
afterAll(async () => {
  await closeWhenSettled(cloud);
  await window.happyDOM.close();
});

interface Shown<T> {
  /** What the hook gave, at each rendering. */
  readonly values: T[];
  readonly last: () => T;
  readonly unmount: () => void;
}

/** A component that does nothing but use a hook, twice in strict mode as React does to find mistakes. */
function show<T>(client: ImClient, use: () => T): Shown<T> {
  const values: T[] = [];
  const Component = () => {
    values.push(use());
    return null;
  };
  const element = window.document.createElement('div');
  const root = createRoot(element);
  act(() =>
    root.render(
      createElement(StrictMode, null, createElement(hooks.ImProvider, { client }, createElement(Component))),
    ),
  );
  return { values, last: () => values.at(-1)!, unmount: () => act(() => root.unmount()) };
}

/** Until what is shown is as it should be; renders what has changed meanwhile. */
async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error('It is not shown');
    await act(() => new Promise((resolve) => setImmediate(resolve)));
  }
}

async function pair() {
  const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
  const bob = await devices.connect({ userId: bobId });
  const alice = await devices.connect({ userId: aliceId });
  return { alice, bob, aliceId, bobId, conversationId: directId(aliceId, bobId) };
}

const texts = ({ messages }: Messages) => messages.map(({ body }) => body['text']);
const say = async ({ im }: Device, to: string, text: string) => im.send(to, text).sent;

test('messages come in one order: older ones as they are asked for, unsent ones last, changes in place', async () => {
  const { alice, bob, conversationId } = await pair();
  for (const n of range(60)) await say(alice, conversationId, String(n));
  await bob.seen.until(() => bob.seen.texts.length === 60, 'all');
  const list = show(bob.im, () => hooks.useMessages(conversationId));
  expect(list.last()).toMatchObject({ messages: [], isLoading: true });
  await until(() => list.last().messages.length === 50);
  expect(list.last()).toMatchObject({ isLoading: false, hasOlder: true });
  await act(() => list.last().loadOlder());
  expect(texts(list.last())).toEqual(range(60).map(String));
  expect(list.last().hasOlder).toBe(false);

  await alice.im.conversation(conversationId).edit(60, 'sixty');
  await until(() => texts(list.last()).at(-1) === 'sixty');
  await say(alice, conversationId, 'another');
  await until(() => texts(list.last()).at(-1) === 'another');
  await bob.im.close();
  const offline = await devices.prepare({ userId: newUser('carol') });
  const unsent = show(offline.im, () => hooks.useMessages('user:carol'));
  await until(() => !unsent.last().isLoading);
  act(() => void offline.im.send('user:carol', 'later'));
  await until(() => unsent.last().messages.length === 1);
  expect(unsent.last().messages[0]).toMatchObject({ state: 'queued', body: { text: 'later' } });
}, 60_000);

test('a sent message is shown once, from its local echo to what the server stored', async () => {
  const { alice, bob, conversationId } = await pair();
  const list = show(alice.im, () => hooks.useMessages(conversationId));
  await until(() => !list.last().isLoading);
  const states = new Set<unknown>();
  act(() => void alice.im.send(conversationId, 'hello'));
  await until(() => {
    for (const message of list.last().messages) states.add('state' in message ? message.state : 'stored');
    return list.last().messages[0]?.seq === 1;
  });
  expect(list.values.every(({ messages }) => messages.length <= 1)).toBe(true);
  expect([...states].at(-1)).toBe('stored');
  await bob.seen.until(() => bob.seen.texts.length === 1, 'the message');
});

test('lists, unread counts, typing and the connection are as they are by now, and the same objects while they are', async () => {
  const { alice, bob, aliceId, conversationId } = await pair();
  await say(bob, `user:${newUser('nobody')}`, 'x').catch(() => {});
  await say(alice, conversationId, 'one');
  await bob.seen.until(() => bob.seen.texts.length === 1, 'the message');
  const shown = show(bob.im, () => ({
    list: hooks.useConversations(),
    unread: hooks.useTotalUnread(),
    summary: hooks.useSummary(`user:${aliceId}`),
    typing: hooks.useTyping(conversationId),
    connection: hooks.useConnection(),
    presence: hooks.usePresence(aliceId),
  }));
  await until(() => shown.last().presence?.online === true);
  await until(() => shown.last().list.conversations?.[0]?.conversationId === conversationId);
  expect(shown.last()).toMatchObject({
    unread: 1,
    summary: { unread: 1 },
    typing: [],
    connection: { state: 'synced' },
  });
  const before = shown.last();
  alice.im.conversation(conversationId).typing();
  await until(() => shown.last().typing.length === 1);
  expect(shown.last().typing).toEqual([aliceId]);
  // Nothing else is another object than it was.
  expect(shown.last().list.conversations).toBe(before.list.conversations);
  expect(shown.last().summary).toBe(before.summary);
  await say(alice, conversationId, 'two');
  await until(() => shown.last().typing.length === 0 && shown.last().unread === 2);
  await act(() => bob.im.conversation(conversationId).markRead());
  await until(() => shown.last().unread === 0 && shown.last().summary.unread === 0);
  const other = await devices.connect({ userId: bob.im.userId, platform: 'bot', deviceId: newUser('other') });
  await until(() => shown.last().connection.state === 'kicked');
  expect(shown.last().connection.kicked).toMatchObject({ by: { deviceId: other.im.deviceId } });
});

test('a draft is shown at once, kept when the component goes, and follows the other devices', async () => {
  const { alice, aliceId, bobId } = await pair();
  const laptop = await devices.connect({ userId: aliceId, platform: 'desktop' });
  await say(alice, `user:${bobId}`, 'hi');
  const here = show(alice.im, () => hooks.useDraft(`user:${bobId}`));
  const there = show(laptop.im, () => hooks.useDraft(`user:${bobId}`));
  expect(here.last()[0]).toBe('');
  act(() => here.last()[1]('I was abo'));
  act(() => here.last()[1]('I was about'));
  expect(here.last()[0]).toBe('I was about');
  here.unmount();
  await until(() => there.last()[0] === 'I was about');
});

test('a thousand components that come and go leave nothing behind', async () => {
  const { alice, conversationId } = await pair();
  await say(alice, conversationId, 'hi');
  const { device } = alice.im as unknown as { device: { events: { listeners: Map<string, Set<unknown>> } } };
  const listeners = () => [...device.events.listeners.values()].reduce((sum, { size }) => sum + size, 0);
  const before = listeners();
  for (let n = 0; n < 1_000; n++) {
    const shown = show(alice.im, () => [
      hooks.useMessages(conversationId),
      hooks.useConversations(),
      hooks.useTotalUnread(),
      hooks.useSummary(conversationId),
      hooks.useTyping(conversationId),
      hooks.useConnection(),
      hooks.useDraft(conversationId),
      hooks.useOpen(conversationId),
      hooks.usePresence('somebody'),
      hooks.useNames(),
    ]);
    if (n % 100 === 0) await until(() => (shown.last()[0] as Messages).messages.length === 1);
    shown.unmount();
  }
  await act(() => new Promise((resolve) => setImmediate(resolve)));
  expect(listeners()).toBe(before);
}, 60_000);

test('without a provider a hook says what is missing', () => {
  expect(() => show(undefined as unknown as ImClient, () => hooks.useTotalUnread())).toThrow('ImProvider');
});

test('from a message on, both ways: what comes waits until the newest is reached, or is asked for; whoever writes is there', async () => {
  const { alice, bob, conversationId } = await pair();
  for (const n of range(120)) await say(alice, conversationId, String(n));
  await bob.seen.until(() => bob.seen.texts.length === 120, 'all');
  const list = show(bob.im, () => hooks.useMessages(conversationId));
  const seqs = () => list.last().messages.map(({ seq }) => seq);
  const isShown = (first: number, last: number) => seqs()[0] === first && seqs().at(-1) === last;
  const has = (first: number, last: number) =>
    until(() => isShown(first, last) && !list.last().isLoading && seqs().length === last - first + 1);
  await has(71, 120);
  await act(() => list.last().showFrom(56));
  await has(6, 105);
  expect(list.last()).toMatchObject({ hasOlder: true, hasNewer: true, start: { seq: 56 } });
  await act(() => list.last().loadOlder());
  await has(1, 105);
  await say(alice, conversationId, 'meanwhile');
  await bob.seen.until(() => bob.seen.texts.includes('meanwhile'), 'it');
  await act(() => list.last().loadNewer());
  await has(1, 121);
  expect(list.last().hasNewer).toBe(false);
  await say(alice, conversationId, 'live');
  await has(1, 122);

  await act(() => list.last().showFrom(20));
  await has(1, 69);
  await act(() => list.last().showNewest());
  await has(73, 122);
  await act(() => list.last().showFrom(20));
  await act(async () => void (await say(bob, conversationId, 'mine')));
  await until(() => seqs().at(-1) === 123 && !list.last().hasNewer);
  // What this device does not show: the newest.
  await act(() => list.last().showFrom(9_999));
  await until(() => seqs().at(-1) === 123 && !list.last().hasNewer && !list.last().isLoading);
  list.unmount();
});
