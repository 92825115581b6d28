// The scenario of slow readers: eight pairs talk, beside five sockets that are sent large messages.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { Cloud } from '../local/cloud.ts';

/** What the five sockets do with what they are sent; with `none` there are no such sockets, and nothing is sent. */
export const crowds = ['none', 'reads', 'stuck'] as const;
export type Crowd = (typeof crowds)[number];

export interface Load {
  readonly seconds: number;
  /** Large messages a second, to the five together. */
  readonly rate: number;
}

export interface PushTimes {
  readonly crowd: Crowd;
  readonly pushes: number;
  /** Messages of the pairs that no push has brought. */
  readonly missed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Sockets of the five that the server has closed. */
  readonly closed: number;
}

const PAIRS = 8;
const CROWD = 5;
const LARGE_CHARACTERS = 15_000;
/** Of each pair. */
const MESSAGE_EVERY_MS = 1_000;
const PATIENCE_MS = 10_000;

interface SyncPush {
  readonly push?: string;
  readonly events?: readonly { readonly message: { readonly clientMsgId: string } }[];
}

export async function measurePushes(cloud: Cloud, crowd: Crowd, load: Load): Promise<PushTimes> {
  const sockets: WebSocket[] = [];
  const enter = async (userId: string) => {
    const socket = await connect(cloud, userId);
    sockets.push(socket);
    return socket;
  };
  const sentAt = new Map<string, number>();
  const timesMs: number[] = [];
  const take = (data: Buffer) => {
    for (const { message } of (JSON.parse(data.toString()) as SyncPush).events ?? []) {
      const at = sentAt.get(message.clientMsgId);
      if (at === undefined || !sentAt.delete(message.clientMsgId)) continue;
      timesMs.push(performance.now() - at);
    }
  };
  try {
    const senders: WebSocket[] = [];
    for (let pair = 1; pair <= PAIRS; pair += 1) {
      senders.push(await enter(`from-${pair}`));
      (await enter(`to-${pair}`)).on('message', take);
    }
    const crowded: WebSocket[] = [];
    const flooders: WebSocket[] = [];
    for (let index = 1; index <= (crowd === 'none' ? 0 : CROWD); index += 1) {
      crowded.push(await enter(`crowd-${index}`));
      flooders.push(await enter(`flooder-${index}`));
    }
    // What is cold, and each conversation's beginning, is not what is asked for.
    for (const [index, socket] of senders.entries()) send(socket, `to-${index + 1}`, 'hi');
    for (const [index, socket] of flooders.entries()) send(socket, `crowd-${index + 1}`, 'hi');
    await cloud.settled();
    if (crowd === 'stuck') {
      for (const socket of crowded) socket.pause();
      await fill(cloud, flooders);
    }

    const over = performance.now() + load.seconds * 1_000;
    await Promise.all([
      ...senders.map(async (socket, index) => {
        await delay((index * MESSAGE_EVERY_MS) / PAIRS);
        await every(MESSAGE_EVERY_MS, over, () => {
          const at = performance.now();
          sentAt.set(send(socket, `to-${index + 1}`, 'hello'), at);
        });
      }),
      flooders.length > 0 &&
        every(1_000 / load.rate, over, (count) => {
          sendLarge(flooders, count % CROWD);
        }),
    ]);
    const patience = performance.now() + PATIENCE_MS;
    while (sentAt.size > 0 && performance.now() < patience) await delay(50);
    const closed = sockets.length - cloud.metrics().gateway.connections;
    return { crowd, pushes: timesMs.length, missed: sentAt.size, ...quantiles(timesMs), closed };
  } finally {
    await Promise.all(sockets.map(leave));
  }
}

/** Until the first socket takes no more; the others are about to. */
async function fill(cloud: Cloud, flooders: readonly WebSocket[]): Promise<void> {
  const messagesOut = () => cloud.metrics().gateway.messagesOut;
  for (let before = messagesOut(); ; before = messagesOut()) {
    const answers = flooders.map((socket) => once(socket, 'message'));
    for (const index of flooders.keys()) sendLarge(flooders, index);
    await Promise.all(answers);
    await cloud.settled();
    // An answer and a push of each.
    if (messagesOut() - before < 2 * flooders.length) return;
  }
}

function sendLarge(flooders: readonly WebSocket[], index: number): void {
  send(flooders[index]!, `crowd-${index + 1}`, 'x'.repeat(LARGE_CHARACTERS));
}

/** Keeps to the clock, however long the work takes. */
async function every(intervalMs: number, over: number, work: (count: number) => void): Promise<void> {
  const start = performance.now();
  for (let count = 0; performance.now() < over; count += 1) {
    work(count);
    await delay(Math.max(0, start + (count + 1) * intervalMs - performance.now()));
  }
}

/** @returns its clientMsgId. */
function send(socket: WebSocket, to: string, text: string): string {
  const clientMsgId = randomUUID();
  const message = { to: `user:${to}`, clientMsgId, type: 'text', body: { text } };
  socket.send(JSON.stringify({ action: 'send', id: clientMsgId, ...message }));
  return clientMsgId;
}

function quantiles(timesMs: readonly number[]): Pick<PushTimes, 'p50Ms' | 'p99Ms'> {
  const sorted = timesMs.toSorted((left, right) => left - right);
  const quantile = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
  return { p50Ms: quantile(0.5), p99Ms: quantile(0.99) };
}

async function connect(cloud: Cloud, userId: string): Promise<WebSocket> {
  const query = new URLSearchParams({ deviceId: 'phone', platform: 'ios' });
  const token = await cloud.issueToken(userId);
  const url = `${cloud.url}/${cloud.model.api.stageName}?${query.toString()}`;
  const socket = new WebSocket(url, ['im.v1', `bearer.${token}`]);
  await once(socket, 'open');
  return socket;
}

async function leave(socket: WebSocket): Promise<void> {
  if (socket.readyState === WebSocket.CLOSED) return;
  const closed = once(socket, 'close');
  socket.terminate();
  await closed;
}
