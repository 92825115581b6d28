// One lane of a broadcast: sends to the next users, a second's worth at a time, evenly spread; notes how far it is; and leaves
// the rest to the next invocation. Whoever finds that the lane was moved by another gives it up: messages are stored once.
import pLimit from 'p-limit';
import type { Context } from '../context.ts';
import type { Item } from '../database.ts';
import { sendToTarget } from '../service/messages.ts';
import { broadcastKey, broadcastLaneKey, broadcastUsersKey, knownShards, knownUsers } from '../tables.ts';
import { broadcastMessageId, stateOf, toBroadcast, type Broadcast, type LaneTask } from './broadcast.ts';

const STEP_MS = 1_000;
/** Sends at the same time. */
const MAX_AT_ONCE = 32;
/** Of a send that the store did not take. */
const MAX_TRIES = 3;

/** Where a lane is: in which part, and after whom of it. */
interface Position {
  readonly part: number;
  readonly after?: string;
}

interface NextUsers {
  readonly users: readonly string[];
  /** `undefined`: it is at its end. */
  readonly next: Position | undefined;
}

/** @returns whether there is more to do. */
export async function runLane(ctx: Context, { broadcastId, lane }: LaneTask): Promise<boolean> {
  const until = ctx.now() + ctx.settings.workSliceMs;
  do {
    const began = ctx.now();
    const outcome = await runStep(ctx, { broadcastId, lane }, began);
    if (outcome !== 'more') return false;
    await ctx.wait(Math.max(0, began + STEP_MS - ctx.now()));
  } while (ctx.now() < until);
  return true;
}

async function runStep(
  ctx: Context,
  { broadcastId, lane }: LaneTask,
  began: number,
): Promise<'more' | 'over' | 'lost'> {
  const [head, state] = await Promise.all([
    ctx.db.get('Conversations', broadcastKey(broadcastId), 'strong'),
    ctx.db.get('Conversations', broadcastLaneKey(broadcastId, lane), 'strong'),
  ]);
  if (!head || !state || state['done']) return 'over';
  const broadcast = toBroadcast(head);
  if (stateOf(broadcast) !== 'running') return 'over';
  const perStep = Math.max(1, Math.round(broadcast.ratePerSecond / broadcast.lanes));
  const { users, next } = await nextUsers(ctx, broadcast, toPosition(state), perStep);
  const limit = pLimit(MAX_AT_ONCE);
  const outcomes = await Promise.all(
    users.map((user, index) =>
      limit(async () => {
        await ctx.wait(Math.max(0, began + (index * STEP_MS) / perStep - ctx.now()));
        return sendPatiently(ctx, broadcast, user);
      }),
    ),
  );
  const sent = outcomes.filter(Boolean).length;
  const moved = await move(ctx, { broadcast, lane, state, next, sent, failed: users.length - sent });
  if (!moved) return 'lost';
  return next ? 'more' : 'over';
}

const toPosition = (state: Item): Position => ({
  part: state['part'] as number,
  ...(state['after'] !== undefined && { after: state['after'] as string }),
});

/** A lane has every so-manyth part, as many as there are lanes. */
async function nextUsers(
  ctx: Context,
  broadcast: Broadcast,
  { part, after }: Position,
  limit: number,
): Promise<NextUsers> {
  const { broadcastId, parts, lanes } = broadcast;
  const { users, more } = broadcast.all
    ? await usersOfShard(ctx, knownShards[part]!, after, limit)
    : await listedUsers(ctx, broadcastUsersKey(broadcastId, part), after, limit);
  const following = part + lanes;
  if (more) return { users, next: { part, after: users.at(-1)! } };
  return { users, next: following < parts ? { part: following } : undefined };
}

async function usersOfShard(ctx: Context, shard: string, after: string | undefined, limit: number) {
  const keys = await ctx.db.query({ table: 'Users', partition: shard, ...knownUsers(after), limit });
  return { users: keys.map((key) => key['userId'] as string), more: keys.length === limit };
}

async function listedUsers(
  ctx: Context,
  key: ReturnType<typeof broadcastUsersKey>,
  after: string | undefined,
  limit: number,
) {
  const item = await ctx.db.get('Conversations', key, 'eventual');
  const all = ((item?.['users'] as string | undefined) ?? '').split(' ').filter(Boolean);
  const start = after === undefined ? 0 : all.indexOf(after) + 1;
  return { users: all.slice(start, start + limit), more: start + limit < all.length };
}

/** @returns whether the user has it: who does not exist, or blocks the sender, is passed over. */
async function sendPatiently(ctx: Context, broadcast: Broadcast, user: string): Promise<boolean> {
  const { broadcastId, from, type, body, silent } = broadcast;
  const clientMsgId = broadcastMessageId(broadcastId);
  const message = { from, type, body, silent, clientMsgId };
  for (let attempt = 1; ; attempt++) {
    const outcome = await sendToTarget(ctx, message, `user:${user}`);
    if (outcome.ok) return true;
    if (!outcome.error.retryable || attempt === MAX_TRIES) return false;
    await ctx.backOff(attempt);
  }
}

interface Move {
  readonly broadcast: Broadcast;
  readonly lane: number;
  /** As it was read. */
  readonly state: Item;
  readonly next: Position | undefined;
  readonly sent: number;
  readonly failed: number;
}

/** In one transaction with the count of lanes that are done. @returns whether the lane was where it was read. */
async function move(ctx: Context, { broadcast, lane, state, next, sent, failed }: Move): Promise<boolean> {
  const { broadcastId } = broadcast;
  const step = state['step'] as number;
  const position = next?.after === undefined ? ' REMOVE #after' : '';
  const written = await ctx.db.transact([
    {
      kind: 'update',
      table: 'Conversations',
      key: broadcastLaneKey(broadcastId, lane),
      update:
        'SET #step = :next, #sent = #sent + :sent, #failed = #failed + :failed' +
        (next ? `, #part = :part${next.after === undefined ? '' : ', #after = :after'}` : ', #done = :yes') +
        position,
      condition: '#step = :step',
      values: {
        step,
        next: step + 1,
        sent,
        failed,
        ...(next
          ? { part: next.part, ...(next.after !== undefined && { after: next.after }) }
          : { yes: true }),
      },
    },
    ...(next
      ? []
      : [
          {
            kind: 'update' as const,
            table: 'Conversations' as const,
            key: broadcastKey(broadcastId),
            update: 'SET #lastDoneAt = :now ADD #lanesDone :one',
            values: { now: ctx.now(), one: 1 },
          },
        ]),
  ]);
  return written.ok;
}
