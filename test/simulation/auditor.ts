// A plain client that shares nothing with the SDK: what it reads is what stands there.
import type { WebSocketLike } from '../../src/client/environment.ts';
import { directConversationId } from '../../src/protocol/ids.ts';
import type { Slot } from '../../src/protocol/messages.ts';
import type { SyncEvent } from '../../src/protocol/server-frames.ts';
import type { MailboxTruth, Truth } from './history.ts';
import type { Stage } from './stage.ts';

const MAX_HANDSHAKES = 8;
const HANDSHAKE_BACKOFF_MS = 50;

export interface Position {
  readonly conversationId: string;
  readonly unread: number;
  readonly readSeq: number;
  /** In direct conversations. */
  readonly peerReadSeq?: number;
}

/** All conversations of a user: with each of the others, and the group of all. */
export async function readTruths(
  { userId, ask }: Auditor,
  users: readonly string[],
  group: string,
): Promise<Truth[]> {
  const peers = users.filter((peer) => peer !== userId);
  const conversationIds = [...peers.map((peer) => directConversationId(userId, peer)), group];
  const positions = (await ask('positions', { conversationIds }))['positions'] as Position[];
  const truths: Truth[] = [];
  for (const conversationId of conversationIds) {
    const { slots, headSeq } = await readAll(ask, conversationId);
    const found = positions.find((one) => one.conversationId === conversationId);
    const { unread, readSeq, peerReadSeq = 0 } = found ?? { unread: 0, readSeq: 0 };
    const members = conversationId === group ? users : conversationId.split(':').slice(1);
    // Whoever joins has read up to there: in the group of all, with the first number.
    const begin = { floorSeq: 1, joinedSeq: conversationId === group ? 1 : 0, cutoverSeq: Infinity };
    const position = { unread, readSeq, peerReadSeq };
    truths.push({ userId, conversationId, members, slots, headSeq, ...begin, ...position });
  }
  return truths;
}

/** `known`: its first entries, which need not be there any more. */
export async function readMailbox(
  { userId, ask }: Auditor,
  known: readonly SyncEvent[] = [],
): Promise<MailboxTruth> {
  const events = [...known];
  for (;;) {
    const page = await ask('sync', { after: events.length, limit: 200 });
    const more = page['events'] as SyncEvent[];
    events.push(...more);
    if (!page['more'] || more.length === 0) return { userId, head: page['head'] as number, events };
  }
}

type Frame = Record<string, unknown>;
export type Ask = (action: string, fields: Frame) => Promise<Frame>;

/** Connected as a device of its own, which asks one thing after the other. */
export interface Auditor {
  readonly userId: string;
  readonly ask: Ask;
  /** Answers refusals as well, where `ask` rejects. */
  readonly tell: Ask;
  leave(): void;
}

interface Read {
  readonly slots: Slot[];
  readonly headSeq: number;
  readonly floorSeq: number;
}

/** As far down as the user may see. */
export async function readAll(ask: Ask, conversationId: string): Promise<Read> {
  const slots: Slot[] = [];
  for (;;) {
    const page = await ask('history', { conversationId, after: slots.at(-1)?.seq ?? 0, limit: 100 });
    const messages = page['messages'] as Slot[];
    slots.push(...messages);
    if (!page['end'] && messages.length > 0) continue;
    return { slots, headSeq: page['headSeq'] as number, floorSeq: page['floorSeq'] as number };
  }
}

/** Connects, asks, and goes. */
export async function auditor<T>(
  stage: Stage,
  userId: string,
  use: (auditor: Auditor) => Promise<T>,
): Promise<T> {
  return auditors(stage, [userId], ([one]) => use(one!));
}

/** One for each user, in their order: a user has one at a time. */
export async function auditors<T>(
  stage: Stage,
  userIds: readonly string[],
  use: (auditors: readonly Auditor[]) => Promise<T>,
): Promise<T> {
  const entered = await Promise.all(userIds.map((userId) => enter(stage, userId)));
  try {
    return await use(entered);
  } finally {
    for (const one of entered) one.leave();
  }
}

async function enter(stage: Stage, userId: string): Promise<Auditor> {
  const socket = await connect(stage, userId);
  const answers = new Map<string, (frame: Record<string, unknown>) => void>();
  let lose: (error: Error) => void = () => {};
  socket.addEventListener('close', () => lose(new Error('The connection was closed')));
  socket.addEventListener('message', ({ data }) => {
    const frame = JSON.parse(String(data)) as Record<string, unknown>;
    answers.get(String(frame['id']))?.(frame);
  });
  let last = 0;
  const tell: Ask = (action, fields) =>
    new Promise((resolve, reject) => {
      const id = String(++last);
      answers.set(id, resolve);
      lose = reject;
      socket.send(JSON.stringify({ action, id, ...fields }));
    });
  const ask: Ask = async (action, fields) => {
    const frame = await tell(action, fields);
    if (!frame['ok']) throw new Error(`${action}: ${JSON.stringify(frame['error'])}`);
    return frame;
  };
  const leave = () => {
    lose = () => {};
    socket.close();
  };
  return { userId, ask, tell, leave };
}

/** On a busy machine handshakes are refused now and then (500, 502), as on AWS: like any client it tries again. */
async function connect(stage: Stage, userId: string): Promise<WebSocketLike> {
  const token = await stage.issueToken(userId);
  const Socket = stage.sockets(() => {});
  for (let attempt = 1; ; attempt++) {
    const socket = new Socket(`${stage.url}?deviceId=auditor&platform=bot`, ['im.v1', `bearer.${token}`]);
    const opened = await new Promise<boolean>((resolve) => {
      socket.addEventListener('open', () => resolve(true));
      socket.addEventListener('close', () => resolve(false));
      socket.addEventListener('error', () => resolve(false));
    });
    if (opened) return socket;
    if (attempt === MAX_HANDSHAKES) throw new Error(`${userId} is not let in`);
    await stage.wait(HANDSHAKE_BACKOFF_MS * 2 ** attempt);
  }
}
