// P5.34: whom a user blocks writes nothing into their conversation, and what is refused is not stored; before and after
// they may write.
import { parseConversationId, peerOf } from '../../../src/protocol/ids.ts';
import { messagesOf } from '../heard.ts';
import type { RunHistory, Sent } from '../history.ts';
import { isCopy, type Violation } from '../violations.ts';
import { isDone, overAt, type Wish } from './wishes.ts';

export function checkBlocks(history: RunHistory): Violation[] {
  return history.sent.flatMap((one) => {
    const peer = peerIn(one);
    return peer === undefined ? [] : checkSend(history, one, blocksOf(history, peer, one.userId));
  });
}

/** The other user of a direct conversation. */
function peerIn({ conversationId, userId }: Pick<Sent, 'conversationId' | 'userId'>): string | undefined {
  const conversation = parseConversationId(conversationId);
  return conversation?.kind === 'direct' ? peerOf(conversation.users, userId) : undefined;
}

const blocksOf = ({ wishes }: RunHistory, by: string, whom: string): Wish[] =>
  wishes.filter(
    (wish) =>
      wish.by === by &&
      (wish.action === 'block' || wish.action === 'unblock') &&
      wish.frame['userId'] === whom,
  );

function checkSend(history: RunHistory, one: Sent, blocks: readonly Wish[]): Violation[] {
  const { conversationId, clientMsgId, userId, deviceId } = one;
  const frames = history.wishes.filter(
    ({ by, deviceId: device, action, frame }) =>
      action === 'send' && by === userId && device === deviceId && frame['clientMsgId'] === clientMsgId,
  );
  const violations: Violation[] = [];
  const find = (what: string) =>
    violations.push({ invariant: 'P5.34', what: `${conversationId}: ${userId}'s "${one.text}" ${what}` });
  for (const { code, askedAt, answeredAt } of frames) {
    if (code === 'blocked' && !mayBeBlocked(blocks, askedAt, answeredAt!)) find('was refused, unblocked');
  }
  const isStored = history.truths
    .filter((truth) => truth.conversationId === conversationId)
    .flatMap(messagesOf)
    .some((message) => isCopy(message, one));
  if (!isStored || frames.length === 0) return violations;
  if (frames.every(({ code }) => code === 'blocked')) find('was refused, and is stored');
  const from = Math.min(...frames.map(({ askedAt }) => askedAt));
  const to = Math.min(...frames.filter(isDone).map(({ answeredAt }) => answeredAt!));
  if (mustBeBlocked(blocks, from, to)) find('is stored, though its sender was blocked');
  return violations;
}

/** At some moment between the two. */
export function mayBeBlocked(blocks: readonly Wish[], from: number, to: number): boolean {
  const ends = blocks.filter((wish) => wish.action === 'unblock' && isDone(wish) && wish.answeredAt! < from);
  return blocks.some(
    (wish) =>
      wish.action === 'block' && wish.askedAt <= to && !ends.some(({ askedAt }) => overAt(wish) < askedAt),
  );
}

/** All the time between the two. */
function mustBeBlocked(blocks: readonly Wish[], from: number, to: number): boolean {
  const ends = blocks.filter(({ action }) => action === 'unblock');
  return blocks.some(
    (wish) =>
      wish.action === 'block' &&
      isDone(wish) &&
      wish.answeredAt! < from &&
      ends.every((end) => overAt(end) < wish.askedAt || end.askedAt > to),
  );
}

/** A send to who ever blocked its sender may be refused; which ones, is looked at here. */
export function wasEverBlocked(history: RunHistory, one: Pick<Sent, 'conversationId' | 'userId'>): boolean {
  const peer = peerIn(one);
  return peer !== undefined && blocksOf(history, peer, one.userId).length > 0;
}

/** The two are told nothing of each other's reading while one of them blocks the other. */
export function hidesReading(history: RunHistory, one: Pick<Sent, 'conversationId' | 'userId'>): boolean {
  const peer = peerIn(one);
  if (peer === undefined) return false;
  const both = [blocksOf(history, peer, one.userId), blocksOf(history, one.userId, peer)];
  return both.some((blocks) => mayBeBlocked(blocks, Infinity, Infinity));
}

/** Nobody is notified of whom they block, nor later of what was decided then. */
export function everBlocks(history: RunHistory, one: Pick<Sent, 'conversationId' | 'userId'>): boolean {
  const peer = peerIn(one);
  return peer !== undefined && blocksOf(history, one.userId, peer).length > 0;
}
