// `search`: no index, so nothing is paid for by messages that nobody searches; what is read is the caller's own timelines,
// backwards, a bounded stretch a request.
//
//   of one conversation    its timeline, from the head down
//   of all                 1. recent.ts  the newest entries of the mailbox, in the order in which they came
//                          2. rest.ts    what stands in none of them, one conversation after the other
import type { ClientFrame } from '../../protocol/client-frames.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import { parseConversationId } from '../../protocol/ids.ts';
import type { Message } from '../../protocol/messages.ts';
import type { Answer } from '../../protocol/server-frames.ts';
import type { Caller, Context } from '../context.ts';
import { readMailbox } from '../cursors.ts';
import { readMemberships, refuseStranger } from '../members.ts';
import { takeTurn } from '../rate.ts';
import { decodeCursor, encodeCursor, type Position } from './cursor.ts';
import { Looking } from './looking.ts';
import { lookAtRecent, readRecent } from './recent.ts';
import { lookAtRest } from './rest.ts';
import { foldQuery } from './text.ts';
import { lookDown } from './timeline.ts';

type Request = ClientFrame<'search'>;
type End = { readonly ok: true; readonly next: Position | undefined };

export async function search(
  ctx: Context,
  caller: Caller,
  request: Request,
): Promise<Answer<'search'> | Refusal> {
  const text = foldQuery(request.query);
  if (text === undefined) return refuse('bad_request', 'query: is blank');
  const cursor = request.cursor === undefined ? undefined : decodeCursor(request.cursor);
  if (request.cursor !== undefined && !cursor) return refuseCursor();
  const limited = await takeTurn(ctx, caller.userId, {
    name: 'searches',
    perMinute: ctx.settings.searchesPerMinute,
  });
  if (limited) return refuse('rate_limited', 'query: too many', { retryAfterMs: limited.waitMs });

  const { from, limit, conversationId } = request;
  const looking = new Looking(ctx, { viewer: caller.userId, text, from, limit });
  const end =
    conversationId === undefined
      ? await lookEverywhere(ctx, caller, looking, cursor)
      : await lookInOne(ctx, caller, looking, conversationId, cursor);
  if (!end.ok) return end;
  const { hits, cutAt } = await looking.hits();
  const next = cutAt ?? end.next;
  return {
    ok: true,
    hits: conversationId === undefined ? hits.toSorted(newestFirst) : hits,
    ...(next && { next: encodeCursor(next) }),
    scanned: looking.scanned,
  };
}

async function lookInOne(
  ctx: Context,
  caller: Caller,
  looking: Looking,
  conversationId: string,
  cursor: Position | undefined,
): Promise<End | Refusal> {
  if (cursor && (cursor.part !== 'one' || cursor.conversationId !== conversationId)) return refuseCursor();
  const memberships = await readMemberships(ctx, [conversationId], caller.userId);
  const membership = memberships.get(conversationId);
  if (!membership) return withoutMembership(caller, conversationId);
  const positionAt = (below: number): Position => ({ part: 'one', conversationId, below });
  const below = cursor?.below ?? Infinity;
  const left = await lookDown(ctx, looking, { conversationId, membership, below, positionAt });
  return { ok: true, next: left > 0 ? positionAt(left) : undefined };
}

async function lookEverywhere(
  ctx: Context,
  caller: Caller,
  looking: Looking,
  cursor: Position | undefined,
): Promise<End | Refusal> {
  if (cursor?.part === 'one') return refuseCursor();
  const mailbox = await readMailbox(ctx, caller.userId);
  const recent = await readRecent(ctx, looking, mailbox, cursor);
  if (!recent) return refuse('bad_request', 'cursor: is of a search too long ago, or none');
  if (cursor?.part !== 'rest') {
    const position = await lookAtRecent(ctx, looking, mailbox, recent, cursor?.upTo ?? recent.window.head);
    if (position.part === 'recent' && position.upTo > 0) return { ok: true, next: position };
  }
  const from = cursor?.part === 'rest' ? cursor : { conversationId: '', below: 0 };
  return { ok: true, next: await lookAtRest(ctx, looking, caller.userId, recent, from) };
}

const refuseCursor = () => refuse('bad_request', 'cursor: is none that this search answered');

/** Within a page: mailboxes keep the order of each conversation, and only nearly that of all. */
const newestFirst = (left: Message, right: Message) => right.serverTime - left.serverTime;

/** A direct conversation of the caller's in which nothing was said yet is empty; of any other nothing is told (I8). */
function withoutMembership(caller: Caller, conversationId: string): End | Refusal {
  const conversation = parseConversationId(conversationId);
  const isOwn = conversation?.kind === 'direct' && conversation.users.includes(caller.userId);
  return isOwn ? { ok: true, next: undefined } : refuseStranger(conversationId);
}
