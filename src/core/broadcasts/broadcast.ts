// Broadcasts: one message to many users, or to everybody who is known, at a rate. A broadcast is cut into lanes that run side by
// side; each has an item that says how far it is, and moves on only from there. So a lane may die anywhere, and may run twice.
import { refuse, type Refusal } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { BroadcastRequest, CreateBroadcastRequest } from '../../protocol/service-requests.ts';
import type { Context } from '../context.ts';
import type { Item, TransactionPart } from '../database.ts';
import { broadcastDigest, frameDigest } from '../digest.ts';
import { expiryAfter } from '../expiry.ts';
import { broadcastKey, broadcastLaneKey, broadcastUsersKey, knownShards, ttlAttribute } from '../tables.ts';

/** A lane is to be run, or to go on. */
export interface LaneTask {
  readonly broadcastId: string;
  readonly lane: number;
}

export interface Lanes {
  /** Where lanes wait to be run. */
  readonly lanes: { send(tasks: readonly LaneTask[]): Promise<void> };
}

export interface BroadcastState {
  readonly ok: true;
  readonly state: 'running' | 'stopped' | 'done';
  /** Users; of `all`, those that were found so far. */
  readonly total: number;
  readonly sent: number;
  readonly failed: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly finishedAt?: number;
}

/** What a broadcast is, as it is kept. */
export interface Broadcast {
  readonly broadcastId: string;
  readonly from: string;
  readonly type: CreateBroadcastRequest['type'];
  readonly body: CreateBroadcastRequest['body'];
  readonly silent: boolean;
  readonly ratePerSecond: number;
  readonly lanes: number;
  readonly lanesDone: number;
  /** Parts of its list of users; of `all`, of the index. */
  readonly parts: number;
  readonly all: boolean;
  readonly total: number;
  readonly startedAt: number;
  readonly stoppedAt?: number;
  readonly lastDoneAt?: number;
}

/** What a lane sends in a second, at most; more takes more lanes. */
const LANE_RATE = 250;
/** Users in one item: far below what an item may hold. */
const PART_USERS = 2_000;
const KEPT_DAYS = 30;

/** The same request again finds the broadcast, and has its lanes run if they do not. */
export async function createBroadcast(
  ctx: Context & Lanes,
  request: CreateBroadcastRequest,
): Promise<{ readonly ok: true; readonly broadcastId: string } | Refusal> {
  const sizeBytes = Buffer.byteLength(JSON.stringify(request.body));
  if (sizeBytes > limits.bodyBytes) {
    return refuse('too_large', `body: ${sizeBytes} bytes as JSON, at most ${limits.bodyBytes}`);
  }
  const broadcastId = broadcastDigest(request.clientBroadcastId);
  const payload = frameDigest(request);
  const before = await ctx.db.get('Conversations', broadcastKey(broadcastId), 'strong');
  const started = before ? undefined : await begin(ctx, broadcastId, payload, request);
  const head = started ?? (await ctx.db.get('Conversations', broadcastKey(broadcastId), 'strong'))!;
  if (head['payload'] !== payload) {
    return refuse('idempotency_conflict', 'clientBroadcastId: was used for another broadcast');
  }
  const broadcast = toBroadcast(head);
  if (stateOf(broadcast) === 'running') {
    await ctx.lanes.send(laneNumbers(broadcast).map((lane) => ({ broadcastId, lane })));
  }
  return { ok: true, broadcastId };
}

export async function describeBroadcast(
  ctx: Context,
  { id }: BroadcastRequest,
): Promise<BroadcastState | Refusal> {
  const head = await ctx.db.get('Conversations', broadcastKey(id), 'strong');
  if (!head) return refuse('not_found', `id: there is no broadcast ${id}`);
  const broadcast = toBroadcast(head);
  const lanes = await ctx.db.batchGet(
    'Conversations',
    laneNumbers(broadcast).map((lane) => broadcastLaneKey(id, lane)),
  );
  const count = (name: string) => lanes.reduce((sum, lane) => sum + (lane[name] as number), 0);
  const [sent, failed] = [count('sent'), count('failed')];
  const state = stateOf(broadcast);
  const finishedAt = state === 'stopped' ? broadcast.stoppedAt : broadcast.lastDoneAt;
  return {
    ok: true,
    state,
    total: broadcast.all ? sent + failed : broadcast.total,
    sent,
    failed,
    startedAt: broadcast.startedAt,
    ...(state !== 'running' && { finishedAt: finishedAt! }),
  };
}

/** Lanes notice within about a second; who has theirs by then keeps it. */
export async function stopBroadcast(
  ctx: Context,
  request: BroadcastRequest,
): Promise<BroadcastState | Refusal> {
  await ctx.db.update({
    table: 'Conversations',
    key: broadcastKey(request.id),
    update: 'SET #stoppedAt = :now',
    condition:
      'attribute_exists(#conversationId) AND attribute_not_exists(#stoppedAt) AND #lanesDone < #lanes',
    values: { now: ctx.now() },
  });
  return describeBroadcast(ctx, request);
}

export function toBroadcast(item: Item): Broadcast {
  return { ...(item as unknown as Broadcast), body: JSON.parse(item['body'] as string) as Broadcast['body'] };
}

export function stateOf({ lanes, lanesDone, stoppedAt }: Broadcast): BroadcastState['state'] {
  if (lanesDone >= lanes) return stoppedAt === undefined ? 'done' : 'stopped';
  return stoppedAt === undefined ? 'running' : 'stopped';
}

const laneNumbers = ({ lanes }: Pick<Broadcast, 'lanes'>) => Array.from({ length: lanes }, (_, lane) => lane);

/** All that a broadcast is, in order: whoever finds its head finds the rest. */
async function begin(
  ctx: Context,
  broadcastId: string,
  payload: string,
  { users, all, ratePerSecond, from, type, body, silent }: CreateBroadcastRequest,
): Promise<Item | undefined> {
  const expires = { [ttlAttribute]: expiryAfter(ctx, KEPT_DAYS) };
  const wanted = Math.ceil(ratePerSecond / LANE_RATE);
  const listed = [...new Set(users)];
  const size = Math.min(PART_USERS, Math.ceil(listed.length / wanted) || 1);
  const parts = all ? knownShards.length : Math.ceil(listed.length / size);
  const lanes = Math.min(wanted, parts);
  const lists = all
    ? []
    : Array.from({ length: parts }, (_, part) => listed.slice(part * size, (part + 1) * size));
  await Promise.all(
    lists.map((list, part) =>
      ctx.db.put({
        table: 'Conversations',
        item: { ...broadcastUsersKey(broadcastId, part), payload, users: list.join(' '), ...expires },
      }),
    ),
  );
  const head: Item = {
    ...broadcastKey(broadcastId),
    broadcastId,
    payload,
    from,
    type,
    body: JSON.stringify(body),
    silent,
    ratePerSecond,
    lanes,
    lanesDone: 0,
    parts,
    all: all === true,
    total: listed.length,
    startedAt: ctx.now(),
    ...expires,
  };
  const written = await ctx.db.transact([
    {
      kind: 'put',
      table: 'Conversations',
      item: head,
      condition: 'attribute_not_exists(#conversationId)',
    },
    ...laneNumbers({ lanes }).map((lane): TransactionPart => ({
      kind: 'put',
      table: 'Conversations',
      item: { ...broadcastLaneKey(broadcastId, lane), part: lane, sent: 0, failed: 0, step: 0, ...expires },
    })),
  ]);
  return written.ok ? head : undefined;
}

/** Of no other broadcast, and the same for each try: an id of its messages. */
export const broadcastMessageId = (broadcastId: string) => `broadcast-${broadcastId}`;
