// The long way back: a device that was away for a week, and 5,000 messages from 50 conversations that came meanwhile.
// Counts first, then pages, each asked for when the one before is stored; by a client of the wire protocol.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { isVoid } from '../../src/protocol/slots.ts';
import type { Message, Slot } from '../../src/protocol/messages.ts';
import type { Conversation, SyncedMessage } from '../../src/protocol/server-frames.ts';
import { connect, type Frame, type TestClient } from '../support/client.ts';
import { scan, startCloud } from '../support/cloud.ts';
import { removeOldestPages, sendDuringAbsence } from '../support/long-absence.ts';

const EACH = 100;
const PAGE = 200;
const senders = Array.from({ length: 50 }, (_, index) => `friend-${String(index + 1).padStart(2, '0')}`);
const TOTAL = senders.length * EACH;
const seqs = Array.from({ length: EACH }, (_, index) => index + 1);
const conversationWith = (sender: string) => `d:carol:${sender}`;
const all = Object.fromEntries(senders.map((sender) => [conversationWith(sender), seqs]));

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
  await (await connect(cloud, 'carol')).close();
  await sendDuringAbsence(cloud, { to: 'carol', senders, messagesOfEach: EACH });
});
afterAll(() => cloud.close());

const bytesOf = (frames: readonly Frame[]) =>
  frames.reduce((sum, frame) => sum + Buffer.byteLength(JSON.stringify(frame)), 0);

/** What a device keeps: how far it has come, and each message once. It outlives the connections. */
class Disk {
  position: number | undefined;
  /** In the order in which they were shown, by conversation. */
  readonly shown: Record<string, number[]> = {};

  /** How many of them are new; their order in the conversation is kept. */
  take(messages: readonly Slot[], position = this.position): number {
    const fresh = messages.filter(({ conversationId, seq }) => !this.shown[conversationId]?.includes(seq));
    for (const { conversationId, seq } of fresh) (this.shown[conversationId] ??= []).push(seq);
    this.position = position;
    return fresh.length;
  }
}

interface Page {
  readonly messages: readonly Message[];
  readonly next: number;
  readonly more: boolean;
}

async function pull(client: TestClient, after: number | undefined): Promise<Page> {
  const answer = await client.request('sync', { limit: PAGE, ...(after !== undefined && { after }) });
  expect(answer).toMatchObject({ ok: true });
  const events = answer['events'] as SyncedMessage[];
  const messages = events.map(({ message }) => message).filter((slot): slot is Message => !isVoid(slot));
  return { messages, next: answer['next'] as number, more: answer['more'] as boolean };
}

async function pullAll(client: TestClient, disk: Disk): Promise<number[]> {
  const fresh: number[] = [];
  for (let more = true; more;) {
    const page = await pull(client, disk.position);
    fresh.push(disk.take(page.messages, page.next));
    more = page.more;
  }
  return fresh;
}

async function cursorOf(deviceId: string): Promise<unknown> {
  const devices = await scan(cloud, 'Users');
  return devices.find(({ userId, item }) => userId === 'carol' && item === `DEVICE#${deviceId}`)?.['cursor'];
}

test('B18: what waits is told by one answer, and comes in 25 pages; so much they cost', async () => {
  const phone = await connect(cloud, 'carol', { deviceId: 'phone' });
  cloud.resetMetrics();
  const counts = await phone.request('pending');
  const { requests: asked, readUnits: looked } = cloud.metrics().dynamodb;
  expect(counts).toMatchObject({ total: TOTAL, more: false, head: TOTAL, cursor: 0 });
  expect(counts['conversations']).toMatchObject(
    senders.toReversed().map((sender) => ({
      conversationId: conversationWith(sender),
      unread: EACH,
      waiting: EACH,
      lastSeq: EACH,
      last: { seq: EACH, body: { text: `${EACH} of ${sender}` } },
    })),
  );
  expect(asked).toBeLessThanOrEqual(8);
  expect(looked).toBeLessThanOrEqual(100);
  expect(bytesOf([counts])).toBeLessThanOrEqual(18_000);

  cloud.resetMetrics();
  const disk = new Disk();
  phone.frames.length = 0;
  await pullAll(phone, disk);
  const { dynamodb, gateway } = cloud.metrics();
  expect(disk.shown).toEqual(all);
  expect(gateway).toMatchObject({ messagesIn: TOTAL / PAGE, messagesOut: TOTAL / PAGE });
  expect(bytesOf(phone.frames)).toBeLessThanOrEqual(1_550_000);
  // A unit for each message, however small.
  expect(dynamodb.readUnits).toBeLessThanOrEqual(1.02 * TOTAL);
  expect(dynamodb.requests).toBeLessThanOrEqual(7 * (TOTAL / PAGE));
  expect(dynamodb.writeUnits).toBe(TOTAL / PAGE - 1);
  await phone.close();
});

test('P5.2: asking for a page acknowledges the one before; one that was lost in a crash comes again, nothing twice', async () => {
  const disk = new Disk();
  let tablet = await connect(cloud, 'carol', { deviceId: 'tablet' });
  // Its user wants to see this one first.
  const wanted = conversationWith(senders[6]!);
  const { messages } = await tablet.request('history', { conversationId: wanted, limit: 100 });
  expect(disk.take(messages as Slot[])).toBe(EACH);

  let pages = 0;
  for (let more = true; more;) {
    const page = await pull(tablet, disk.position);
    expect(await cursorOf('tablet')).toBe(disk.position);
    pages++;
    if (pages === 10) {
      tablet.socket.terminate();
      tablet = await connect(cloud, 'carol', { deviceId: 'tablet' });
      expect(await pull(tablet, disk.position)).toEqual(page);
    }
    expect(disk.take(page.messages, page.next)).toBe(page.messages.length - EACH / 25);
    more = page.more;
  }
  expect(pages).toBe(TOTAL / PAGE);
  expect(disk.shown).toEqual(all);
  expect(await tablet.request('sync', { after: disk.position })).toMatchObject({ events: [], more: false });
  expect(await cursorOf('tablet')).toBe(TOTAL);
  expect(await tablet.request('pending')).toMatchObject({ total: 0, conversations: [] });
  await tablet.close();
});

test('P5.2: what the mailbox does not reach back to any more is recovered from history', async () => {
  const disk = new Disk();
  const laptop = await connect(cloud, 'carol', { deviceId: 'laptop' });
  const first = await pull(laptop, disk.position);
  disk.take(first.messages, first.next);
  await removeOldestPages(cloud, 'carol', TOTAL / 2 / 16);

  expect(await laptop.request('pending', { after: disk.position })).toMatchObject({
    reset: true,
    head: TOTAL,
  });
  const reset = await laptop.request('sync', { after: disk.position, limit: PAGE });
  expect(reset).toMatchObject({ reset: true, head: TOTAL });
  cloud.resetMetrics();
  const list = await laptop.request('conversations', { limit: 100 });
  const conversations = list['conversations'] as Conversation[];
  expect(conversations).toHaveLength(senders.length);
  for (const { conversationId, lastSeq, unread } of conversations) {
    expect(unread).toBe(EACH);
    const after = disk.shown[conversationId]?.at(-1) ?? 0;
    const page = await laptop.request('history', { conversationId, after, limit: 100 });
    expect(page).toMatchObject({ end: true, headSeq: lastSeq });
    expect(disk.take(page['messages'] as Slot[])).toBe(EACH - after);
  }
  expect(disk.shown).toEqual(all);
  const { requests, readUnits } = cloud.metrics().dynamodb;
  expect(requests).toBeLessThanOrEqual(210);
  expect(readUnits).toBeLessThanOrEqual(400);

  // And goes on from the head.
  const friend = await connect(cloud, senders[0]!);
  await friend.send('user:carol', 'you are back');
  await laptop.eventsUpTo(1);
  const since = await pull(laptop, reset['head'] as number);
  expect(since).toMatchObject({ messages: [{ seq: EACH + 1, body: { text: 'you are back' } }], more: false });
  await Promise.all([laptop.close(), friend.close()]);
  await cloud.settled();
});
