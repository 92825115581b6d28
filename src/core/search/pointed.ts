// Messages that mailbox entries name. Each read by itself costs half a unit, however small; neighbours read together share
// one: so what stands close together in its conversation is read as a range.
import type { Context } from '../context.ts';
import type { Item } from '../database.ts';
import { keyOf, type SlotKey } from '../timeline.ts';
import type { Bounds } from './bounds.ts';

/** Two that are no further apart are neighbours: what lies between is mostly a control message. */
const MAX_GAP = 3;

interface Run {
  readonly conversationId: string;
  readonly seqs: readonly number[];
}

/** By key. */
export async function readPointed(
  ctx: Context,
  bounds: Bounds,
  keys: readonly SlotKey[],
): Promise<Map<string, Item>> {
  const runs = toRuns(keys);
  const single = runs.filter(({ seqs }) => seqs.length === 1);
  const reading = runs.filter(({ seqs }) => seqs.length > 1).map((run) => readRun(ctx, run));
  const [alone, ...together] = await Promise.all([
    ctx.db.batchGet(
      'Messages',
      single.map(({ conversationId, seqs }) => ({ conversationId, seq: seqs[0]! })),
      'eventual',
    ),
    ...reading,
  ]);
  bounds.take(alone, single.length);
  for (const items of together) bounds.take(items);
  return new Map([alone, ...together].flat().map((item) => [keyOf(item as unknown as SlotKey), item]));
}

function readRun(ctx: Context, { conversationId, seqs }: Run): Promise<Item[]> {
  const [from, to] = [seqs[0]!, seqs.at(-1)!];
  return ctx.db.query({
    table: 'Messages',
    partition: conversationId,
    from,
    to,
    limit: to - from + 1,
    read: 'eventual',
  });
}

export function toRuns(keys: readonly SlotKey[]): Run[] {
  const byConversation = new Map<string, number[]>();
  for (const { conversationId, seq } of keys) {
    const seqs = byConversation.get(conversationId);
    if (seqs) seqs.push(seq);
    else byConversation.set(conversationId, [seq]);
  }
  const runs: { conversationId: string; seqs: number[] }[] = [];
  for (const [conversationId, unordered] of byConversation) {
    for (const seq of unordered.toSorted((left, right) => left - right)) {
      const run = runs.at(-1);
      const isNear = run?.conversationId === conversationId && seq - run.seqs.at(-1)! <= MAX_GAP;
      if (isNear) run.seqs.push(seq);
      else runs.push({ conversationId, seqs: [seq] });
    }
  }
  return runs;
}
