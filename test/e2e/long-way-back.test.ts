// The long way back: a device that was away for a week, and 5,000 messages from 50 conversations that came meanwhile.
// Counts first, then pages, each asked for when the one before is stored; by a client of the wire protocol and by the SDK.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { FileStorage } from '../../src/client/storage/file.ts';
import { deviceKey } from '../../src/core/tables.ts';
import type { Slot } from '../../src/protocol/messages.ts';
import type { Conversation } from '../../src/protocol/server-frames.ts';
import { connect, type Frame } from '../support/client.ts';
import { read, startCloud } from '../support/cloud.ts';
import { removeOldestPages, sendDuringAbsence } from '../support/long-absence.ts';
import { Disk, PAGE, pull, pullAll } from '../support/plain-device.ts';
import { Devices, nodeWebSocket, type Device } from '../client/devices.ts';
import { metered } from '../client/metered.ts';

const EACH = 100;
const senders = Array.from({ length: 50 }, (_, index) => `friend-${String(index + 1).padStart(2, '0')}`);
const TOTAL = senders.length * EACH;
const seqs = Array.from({ length: EACH }, (_, index) => index + 1);
const conversationWith = (sender: string) => `d:carol:${sender}`;
const all = Object.fromEntries(senders.map((sender) => [conversationWith(sender), seqs]));

let cloud: Cloud;
let devices: Devices;
let directory: string;
const fileOf = (name: string) => join(directory, `${name}.journal`);
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'im-way-back-'));
  cloud = await startCloud();
  devices = new Devices(cloud);
  const { im } = await openDesk('killed');
  await im.start();
  await im.close();
  await sendDuringAbsence(cloud, { to: 'carol', senders, messagesOfEach: EACH });
});
afterAll(async () => {
  await devices.close();
  await cloud.close();
  await rm(directory, { recursive: true });
});

/** Carol's device with the SDK in it. */
async function openDesk(file: string, webSocket = nodeWebSocket): Promise<Device> {
  const storage = await FileStorage.open(fileOf(file));
  return devices.prepare({ userId: 'carol', platform: 'desktop', storage, webSocket });
}

/** The seqs of each conversation, as they are drawn. */
async function draw({ im }: Device): Promise<Record<string, number[]>> {
  const drawn = senders.map(async (sender) => {
    const conversationId = conversationWith(sender);
    const messages = await im.conversation(conversationId).messages({ after: 0, limit: 2 * EACH });
    return [conversationId, messages.map(({ seq }) => seq)] as const;
  });
  return Object.fromEntries(await Promise.all(drawn));
}

/** What was drawn, and after it what was shown. */
function seenBy({ seen }: Device, drawn: Record<string, number[]>): Record<string, number[]> {
  const shown = structuredClone(drawn);
  for (const { conversationId, message } of seen.messages) shown[conversationId]!.push(message.seq);
  return shown;
}

const bytesOf = (frames: readonly Frame[]) =>
  frames.reduce((sum, frame) => sum + Buffer.byteLength(JSON.stringify(frame)), 0);

/** How far the server knows that a device has come. */
async function cursorOf(deviceId: string): Promise<unknown> {
  return (await read(cloud, 'Users', deviceKey('carol', deviceId)))?.['cursor'];
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

test('the SDK, killed half-way and opened anew, shows each message once, and a conversation before its turn', async () => {
  const killedAt = 2_345;
  const program = fileURLToPath(new URL('../support/mortal-device.ts', import.meta.url));
  const token = await cloud.issueToken('carol');
  const life = [`${cloud.url}/dev`, token, fileOf('killed'), String(killedAt)];
  const child = spawn(process.execPath, ['--import', 'tsx', program, ...life], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += String(text)));
  expect(await once(child, 'close')).toEqual([null, 'SIGKILL']);
  const shownBefore = output.trimEnd().split('\n');
  expect(new Set(shownBefore).size).toBe(killedAt);
  await copyFile(fileOf('killed'), fileOf('half-way'));

  const { traffic, webSocket } = metered();
  const desk = await openDesk('killed', webSocket);
  const drawn = await draw(desk);
  // The page that it was killed in was stored before any of it was shown.
  const stored = Object.entries(drawn).flatMap(([id, those]) => those.map((seq) => `${id} ${seq}`));
  expect(stored).toHaveLength(2_400);
  expect(stored).toEqual(expect.arrayContaining(shownBefore));
  const wanted = desk.im.conversation(conversationWith(senders[6]!));
  // What asks for it is loaded with its first use: not while pages come.
  await expect(desk.im.pending()).rejects.toMatchObject({ code: 'connection_lost' });
  const first = desk.seen
    .next('connected')
    .then(() => Promise.all([desk.im.pending(), wanted.history({ limit: 100 })]));
  await desk.im.start();
  const [counts, { messages }] = await first;
  expect(counts).toMatchObject({ total: TOTAL - stored.length, more: false });
  expect(counts.conversations).toHaveLength(senders.length);
  expect(counts.conversations[0]).toMatchObject({ unread: EACH, waiting: 52, last: { seq: EACH } });
  expect(messages.map(({ seq }) => seq)).toEqual(seqs);
  expect(seenBy(desk, drawn)).toEqual(all);
  expect(desk.im.totalUnread).toBe(TOTAL);
  const pages = traffic.sent.filter((frame) => frame.includes('"action":"sync"'));
  expect(pages).toHaveLength((TOTAL - stored.length) / 100);
  await desk.im.close();
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

test('the SDK that is behind the oldest page fills up from history, and shows each message once', async () => {
  const desk = await openDesk('half-way');
  const drawn = await draw(desk);
  await desk.im.start();
  expect(desk.seen.of('reset')).toEqual([{ reason: 'behind', head: TOTAL + 1 }]);
  expect(seenBy(desk, drawn)).toEqual({ ...all, [conversationWith(senders[0]!)]: [...seqs, EACH + 1] });
  expect(desk.im.totalUnread).toBe(TOTAL + 1);
  await desk.im.close();
});
