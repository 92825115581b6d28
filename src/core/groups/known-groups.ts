// Who is in which group, as this execution environment read it last: read again when the HEAD says that it changed.
import type { Context } from '../context.ts';
import type { Item } from '../database.ts';
import { headKey, memberIdOf, memberItems } from '../tables.ts';
import { toGroupHead, type GroupHead } from './group.ts';

/** When somebody was in: from the message that told of their joining on, up to the one that told of their going. */
export interface Stay {
  readonly userId: string;
  readonly joinedSeq: number;
  /** Absent: still in. */
  readonly leftSeq?: number;
}

/** Members of all groups that are kept in memory; of more, those that were asked for longest ago go. */
const MAX_KEPT = 50_000;
/** Large groups of which is remembered when something is due. */
const MAX_TIMES = 1_000;
/** Former members stand among the others for a week. */
const MAX_READ = 250_000;

interface Known {
  readonly version: number;
  readonly stays: readonly Stay[];
}

export class KnownGroups {
  private readonly known = new Map<string, Known>();
  /** When the next frame of a large group may leave, by conversation. */
  private readonly frames = new Map<string, number>();
  private readonly heads = new Map<string, number>();

  get(conversationId: string, version: number): readonly Stay[] | undefined {
    const known = this.known.get(conversationId);
    return known?.version === version ? known.stays : undefined;
  }

  keep(conversationId: string, known: Known): void {
    this.known.delete(conversationId);
    this.known.set(conversationId, known);
    let total = [...this.known.values()].reduce((sum, { stays }) => sum + stays.length, 0);
    for (const [oldest, { stays }] of this.known) {
      if (total <= MAX_KEPT || oldest === conversationId) break;
      this.known.delete(oldest);
      total -= stays.length;
    }
  }

  /** When the members of a large group are told next, as far as it is known here. */
  nextHeads(conversationId: string): number {
    return this.heads.get(conversationId) ?? 0;
  }

  noteHeads(conversationId: string, due: number): void {
    remember(this.heads, conversationId, due);
  }

  /** Takes the next turn to push a group's messages; returns how long to wait for it, in milliseconds. */
  takeFrame(conversationId: string, now: number, intervalMs: number): number {
    const at = Math.max(now, this.frames.get(conversationId) ?? 0);
    remember(this.frames, conversationId, at + intervalMs);
    return Math.min(at - now, intervalMs);
  }
}

function remember(times: Map<string, number>, conversationId: string, at: number): void {
  times.delete(conversationId);
  times.set(conversationId, at);
  const [oldest] = times.keys();
  if (times.size > MAX_TIMES) times.delete(oldest!);
}

export interface GroupWithStays {
  readonly head: GroupHead;
  /** The last number given out. */
  readonly headSeq: number;
  readonly stays: readonly Stay[];
}

/** Who is, and lately was, in each of these groups; those that are not there are missing. */
export async function readStays(
  ctx: Context,
  conversationIds: readonly string[],
): Promise<ReadonlyMap<string, GroupWithStays>> {
  const heads = await ctx.db.batchGet('Conversations', conversationIds.map(headKey));
  const groups = heads.map(async (item) => {
    const conversationId = item['conversationId'] as string;
    const head = toGroupHead(item);
    const stays = await staysOf(ctx, conversationId, head.membershipVersion);
    return [conversationId, { head, headSeq: item['seq'] as number, stays }] as const;
  });
  return new Map(await Promise.all(groups));
}

async function staysOf(ctx: Context, conversationId: string, version: number): Promise<readonly Stay[]> {
  const known = ctx.knownGroups.get(conversationId, version);
  if (known) return known;
  const range = {
    table: 'Conversations',
    partition: conversationId,
    ...memberItems,
    limit: MAX_READ,
  } as const;
  const stays = (await ctx.db.query(range)).map(toStay);
  ctx.knownGroups.keep(conversationId, { version, stays });
  return stays;
}

function toStay(item: Item): Stay {
  const leftSeq = item['leftSeq'] as number | undefined;
  return {
    userId: memberIdOf(item['item'] as string),
    joinedSeq: item['joinedSeq'] as number,
    ...(leftSeq !== undefined && { leftSeq }),
  };
}

/** Does a message of that number go to them? */
export const isIn = ({ joinedSeq, leftSeq }: Stay, seq: number) =>
  joinedSeq <= seq && (leftSeq === undefined || seq < leftSeq);
