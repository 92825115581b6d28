// `conversations`: what a user sees on opening the app.
import type { ClientFrame } from '../protocol/client-frames.ts';
import { refuse, type Refusal } from '../protocol/errors.ts';
import { isGroupId } from '../protocol/ids.ts';
import type { Answer, Conversation } from '../protocol/server-frames.ts';
import { Portions, withinBytes } from './answer-size.ts';
import type { Caller, Context } from './context.ts';
import { readMailbox } from './cursors.ts';
import { findItem, type Item } from './database.ts';
import { toGroupInfo, type GroupInfo } from './groups/group.ts';
import { readLastMessages } from './last-message.ts';
import { toMemberships, membershipKeys, unreadCount, type Membership } from './members.ts';
import { Recency } from './recency.ts';
import { retainedFloor } from './retention.ts';
import { draftKey, infoKey, viewKey } from './tables.ts';
import { peerIn, readViews, toSettings, toView, untouched, type View } from './views.ts';

/** Views that are read for a list. Of a user with more conversations, those that come first by id are known to be pinned. */
const MAX_VIEWS = 1_000;
/** As many at first as an app shows at first. */
const FIRST_PORTION = 20;
/** Rounds of looking for conversations that are not filtered out; then the page is answered as it is. */
const MAX_ROUNDS = 8;

/** Where a conversation stands: pinned or not, by its newest message or (without a known one) by its id. */
interface Position {
  readonly pinned: boolean;
  /** 0: not known. */
  readonly syncSeq: number;
  readonly conversationId: string;
}

export async function conversations(
  ctx: Context,
  caller: Caller,
  request: ClientFrame<'conversations'>,
): Promise<Answer<'conversations'> | Refusal> {
  const cursor = request.cursor === undefined ? undefined : decodeCursor(request.cursor);
  if (cursor === null) return refuse('bad_request', 'cursor: is none that this action answered');
  const [mailbox, views] = await Promise.all([
    readMailbox(ctx, caller.userId),
    readViews(ctx, caller.userId, MAX_VIEWS),
  ]);
  const head = cursor?.head ?? mailbox.seq;
  const ordered = inOrder(new Recency(ctx, mailbox, head), views, cursor?.after);

  const found: { conversation: Conversation; position: Position }[] = [];
  const portions = new Portions();
  let last: Position | undefined;
  let ended = false;
  for (let round = 0; round < MAX_ROUNDS && !ended && found.length < request.limit; round++) {
    if (portions.full) break;
    const wanted = Math.min(request.limit - found.length, round === 0 ? FIRST_PORTION : portions.next);
    const positions = await take(ordered, wanted);
    ended = positions.length < wanted;
    const candidates = positions.filter(
      ({ conversationId }) => !request.hidden || views.get(conversationId)?.hiddenAt !== undefined,
    );
    const described = await describe(ctx, caller.userId, candidates, views);
    const shown = described.filter(({ conversation }) => conversation.hidden === request.hidden);
    portions.take(shown.map(({ conversation }) => conversation));
    found.push(...shown);
    last = positions.at(-1) ?? last;
  }
  const fitting = withinBytes(found.map(({ conversation }) => conversation));
  const isCut = fitting.length < found.length;
  const end = isCut ? found[fitting.length - 1]!.position : last;
  return {
    ok: true,
    conversations: fitting.toSorted(byTime),
    ...((isCut || !(ended || (await isOver(ordered)))) && end && { next: encodeCursor(head, end) }),
  };
}

/** Pinned ones first, then by their newest message, then by id: one after the other, looked for only as far as needed. */
async function* inOrder(
  recency: Recency,
  views: ReadonlyMap<string, View>,
  after: Position | undefined,
): AsyncGenerator<Position> {
  const isAfter = (position: Position) => after === undefined || compare(position, after) > 0;
  const pinned = new Set(
    [...views.values()].filter((view) => view.pinned).map((view) => view.conversationId),
  );
  const positionOf = (conversationId: string): Position => ({
    pinned: pinned.has(conversationId),
    syncSeq: recency.found.get(conversationId) ?? 0,
    conversationId,
  });
  if (after === undefined || after.pinned) {
    while (![...pinned].every((id) => recency.found.has(id)) && (await recency.lookBack()));
    yield* [...pinned].map(positionOf).toSorted(compare).filter(isAfter);
  }
  const seen = new Set(pinned);
  const unseen = () => [...views.keys()].filter((id) => !seen.has(id));
  const isComplete = () => views.size < MAX_VIEWS && unseen().length === 0;
  do {
    for (const conversationId of recency.found.keys()) {
      if (seen.has(conversationId)) continue;
      seen.add(conversationId);
      const position = positionOf(conversationId);
      if (isAfter(position)) yield position;
    }
  } while (!isComplete() && (await recency.lookBack()));
  yield* unseen().map(positionOf).toSorted(compare).filter(isAfter);
}

function compare(left: Position, right: Position): number {
  if (left.pinned !== right.pinned) return left.pinned ? -1 : 1;
  if (left.syncSeq !== right.syncSeq) return right.syncSeq - left.syncSeq;
  return left.conversationId < right.conversationId ? -1 : Number(left.conversationId > right.conversationId);
}

/** Within a page: mailboxes keep the order of each conversation, and only nearly that of all. */
function byTime(left: Conversation, right: Conversation): number {
  if (left.pinned !== right.pinned) return left.pinned ? -1 : 1;
  return (right.last?.serverTime ?? 0) - (left.last?.serverTime ?? 0);
}

async function take(positions: AsyncGenerator<Position>, count: number): Promise<Position[]> {
  const taken: Position[] = [];
  while (taken.length < count) {
    const { value, done } = await positions.next();
    if (done) break;
    taken.push(value);
  }
  return taken;
}

const isOver = async (positions: AsyncGenerator<Position>) => (await positions.next()).done === true;

/** Those that the user is in, and in which something was said. */
async function describe(
  ctx: Context,
  userId: string,
  positions: readonly Position[],
  known: ReadonlyMap<string, View>,
): Promise<{ conversation: Conversation; position: Position }[]> {
  const ids = positions.map(({ conversationId }) => conversationId);
  const unknown = ids.filter((id) => !known.has(id));
  const drafted = ids.filter((id) => known.get(id)?.hasDraft);
  const [heads, users] = await ctx.db.batchGetAcross([
    { table: 'Conversations', keys: [...membershipKeys(ids, userId), ...groupsOf(ids).map(infoKey)] },
    {
      table: 'Users',
      keys: [...unknown.map((id) => viewKey(userId, id)), ...drafted.map((id) => draftKey(userId, id))],
    },
  ]);
  const userItem = (key: { item: string }): Item | undefined =>
    users!.find((item) => item['item'] === key.item);
  const memberships = new Map([...toMemberships(heads!, ids, userId)].filter(([, { head }]) => head.seq > 0));
  const lastMessages = await readLastMessages(ctx, userId, memberships);
  const described = positions.map(async (position) => {
    const { conversationId } = position;
    const membership = memberships.get(conversationId);
    if (!membership) return [];
    const stored = userItem(viewKey(userId, conversationId));
    const view = known.get(conversationId) ?? (stored ? toView(stored) : untouched(conversationId));
    const draft = userItem(draftKey(userId, conversationId))?.['text'] as string | undefined;
    const info = findItem(heads!, infoKey(conversationId));
    const conversation = await toConversation(ctx, userId, membership, {
      conversationId,
      last: lastMessages.get(conversationId) ?? null,
      ...(info && titleOf(toGroupInfo(info))),
      settings: toSettings(view, membership.head, draft ?? ''),
    });
    return [{ conversation, position }];
  });
  return (await Promise.all(described)).flat();
}

async function toConversation(
  ctx: Context,
  userId: string,
  membership: Membership,
  {
    settings,
    ...shown
  }: Pick<Conversation, 'conversationId' | 'last' | 'title' | 'avatar'> & {
    settings: ReturnType<typeof toSettings>;
  },
): Promise<Conversation> {
  const { conversationId } = shown;
  const { head, member, peerReadSeq, group } = membership;
  const [unread, floorSeq] = await Promise.all([
    unreadCount(ctx, conversationId, membership),
    retainedFloor(ctx, conversationId, member.floorSeq, head),
  ]);
  return {
    ...shown,
    kind: group ? 'group' : 'direct',
    ...peerIn(conversationId, userId),
    ...(group && { memberCount: group.memberCount }),
    lastSeq: head.seq,
    unread,
    readSeq: member.readSeq,
    ...(peerReadSeq !== undefined && { peerReadSeq }),
    floorSeq,
    ...settings,
  };
}

const groupsOf = (ids: readonly string[]) => ids.filter(isGroupId);
const titleOf = ({ title, avatar }: GroupInfo) => ({ title, ...(avatar !== '' && { avatar }) });

/** Opaque to clients. */
function encodeCursor(head: number, { pinned, syncSeq, conversationId }: Position): string {
  return Buffer.from(JSON.stringify([head, pinned, syncSeq, conversationId])).toString('base64url');
}

function decodeCursor(text: string): { head: number; after: Position } | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    if (!Array.isArray(value)) return null;
    const [head, pinned, syncSeq, conversationId] = value as unknown[];
    if (!isCount(head) || typeof pinned !== 'boolean' || !isCount(syncSeq)) return null;
    if (typeof conversationId !== 'string') return null;
    return { head, after: { pinned, syncSeq, conversationId } };
  } catch {
    return null;
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
