// The head of a conversation, and how a direct one begins.
import { refuse, type Refusal } from '../protocol/errors.ts';
import { peerOf, type ConversationRef } from '../protocol/ids.ts';
import type { Caller, Context } from './context.ts';
import { findItem, type Item, type Key } from './database.ts';
import { deviceDigest } from './digest.ts';
import { toContact } from './people/kept-contacts.ts';
import { toPreferences } from './people/wishes.ts';
import { emptyRing } from './rings.ts';
import { takeTurn } from './rate.ts';
import {
  blockKey,
  contactKey,
  headKey,
  itemKey,
  mailboxKey,
  ringAttribute,
  sideAttributes,
  type Side,
} from './tables.ts';

/** Times that the caller's other devices change whether they block the peer, while a conversation with them begins. */
const MAX_ROUNDS = 4;

export interface ConversationHead {
  /** The last number given out, and when. */
  readonly seq: number;
  readonly at: number;
  /** When each of the last numbers was given out: the last one's time first. */
  readonly takenAt: readonly number[];
  /** How many of them count as unread: not the silent ones. */
  readonly counted: number;
  /** Counted slots that hold nothing to read any more: voided or recalled. */
  readonly uncounted: ReadonlySet<number>;
  /** The highest of those that stand in items of their own; 0 = none do. */
  readonly sealedSeq: number;
  /** How many of its numbers are control messages that tell of a change. */
  readonly controls: number;
  /** Some of its messages have, or had, an end. */
  readonly expiring: boolean;
  /** Of a group: another one after each coming and going. */
  readonly membershipVersion: number | undefined;
}

/** `a` is the first user of the id; in a conversation with oneself one is that. */
export function sideOf({ users }: ConversationRef & { kind: 'direct' }, userId: string): Side {
  return users[0] === userId ? 'a' : 'b';
}

/** Attributes of a HEAD that are not a member's. */
export function toHead(item: Item): ConversationHead {
  return {
    seq: item['seq'] as number,
    at: item['at'] as number,
    takenAt: [item['at'], item['before'], item['beforeThat']].filter((at) => at !== undefined) as number[],
    counted: item['counted'] as number,
    uncounted: (item['uncounted'] as Set<number> | undefined) ?? new Set(),
    sealedSeq: (item['sealedSeq'] as number | undefined) ?? 0,
    controls: (item['controls'] as number | undefined) ?? 0,
    expiring: item['expiring'] !== undefined,
    membershipVersion: item['membershipVersion'] as number | undefined,
  };
}

/** Of a write to a HEAD: whoever was in when it was read, is in still. */
export function sameMembers({ membershipVersion }: ConversationHead) {
  const isSame =
    membershipVersion === undefined
      ? 'attribute_not_exists(#membershipVersion)'
      : '#membershipVersion = :membershipVersion';
  return {
    condition: `attribute_not_exists(#dismissedSeq) AND ${isSame}`,
    values: membershipVersion === undefined ? {} : { membershipVersion },
  };
}

export const hasSameMembers = (item: Item, { membershipVersion }: ConversationHead): boolean =>
  item['dismissedSeq'] === undefined && item['membershipVersion'] === membershipVersion;

/**
 * Creates a direct conversation. How often one may try is limited, whether the peer exists or not. A conversation that
 * someone else just created is as good.
 */
export async function openDirectConversation(
  ctx: Context,
  caller: Caller,
  conversation: ConversationRef & { kind: 'direct' },
): Promise<Refusal | undefined> {
  const limited = await takeTurn(ctx, caller.userId, {
    name: 'conversations',
    perMinute: ctx.settings.conversationsPerMinute,
  });
  if (limited) {
    return refuse('rate_limited', 'to: too many new conversations', { retryAfterMs: limited.waitMs });
  }
  return openUnlimited(ctx, caller.userId, conversation, caller.deviceId);
}

/** The same without that limit; without a device it is the app's own backend, whom `contactsOnly` does not concern. */
export async function openUnlimited(
  ctx: Context,
  userId: string,
  conversation: ConversationRef & { kind: 'direct' },
  deviceId?: string,
): Promise<Refusal | undefined> {
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    const tried = await tryToOpen(ctx, { userId, deviceId }, conversation);
    if (tried !== 'again') return tried;
    await ctx.backOff(round);
  }
  return refuse('unavailable', 'to: is being blocked or unblocked by another device, try again');
}

/**
 * In one transaction with both users' views of it. The peer must exist and not block the caller; whether the caller blocks
 * the peer stands in it from the first. `again`: that changed meanwhile.
 */
async function tryToOpen(
  ctx: Context,
  caller: { readonly userId: string; readonly deviceId: string | undefined },
  conversation: ConversationRef & { kind: 'direct' },
): Promise<Refusal | 'again' | undefined> {
  const { conversationId, users } = conversation;
  const peer = peerOf(users, caller.userId);
  // A transaction that fails costs as much as one that does not: so a look comes first.
  const members = [...new Set(users)];
  const { deviceId } = caller;
  const needsContact = deviceId !== undefined && ctx.settings.contactsOnly && peer !== caller.userId;
  const asContact = contactKey(peer, caller.userId);
  const own = peer === caller.userId ? [] : [blockKey(caller.userId, peer)];
  const known = await ctx.db.batchGet('Users', [
    ...members.map(mailboxKey),
    blockKey(peer, caller.userId),
    ...own,
    ...(needsContact ? [asContact] : []),
  ]);
  const isThere = (key: Key) => findItem(known, key) !== undefined;
  if (!isThere(mailboxKey(peer))) return refuseUnknown(peer);
  if (isThere(blockKey(peer, caller.userId))) return refuseBlocked(peer);
  const kept = findItem(known, asContact);
  if (needsContact && !(kept && toContact(kept))) return refuseBlocked(peer);
  const hiding = members.filter((userId) => {
    const head = findItem(known, mailboxKey(userId));
    return head && !toPreferences(head).receipts;
  });
  const now = ctx.now();
  const written = await ctx.db.transact([
    {
      kind: 'put',
      table: 'Conversations',
      item: {
        ...headKey(conversationId),
        seq: 0,
        counted: 0,
        at: now,
        ...(deviceId !== undefined && {
          [ringAttribute(sideOf(conversation, caller.userId), deviceDigest(deviceId))]: emptyRing,
        }),
        ...Object.fromEntries(
          hiding.map((userId) => [sideAttributes(sideOf(conversation, userId)).hidesReads, 1]),
        ),
        ...(own.some(isThere) && { [sideAttributes(sideOf(conversation, peer)).blocked]: 1 }),
      },
      condition: 'attribute_not_exists(#conversationId)',
    },
    {
      kind: 'check',
      table: 'Users',
      key: mailboxKey(peer),
      condition: 'attribute_exists(#userId)',
    },
    {
      kind: 'check',
      table: 'Users',
      key: blockKey(peer, caller.userId),
      condition: 'attribute_not_exists(#userId)',
    },
    ...members.map((userId) => ({
      kind: 'put' as const,
      table: 'Users' as const,
      item: { userId, item: itemKey.conversationView(conversationId), kind: 'direct' },
    })),
    ...own.map((key) => ({
      kind: 'check' as const,
      table: 'Users' as const,
      key,
      condition: isThere(key) ? 'attribute_exists(#userId)' : 'attribute_not_exists(#userId)',
    })),
  ]);
  if (written.ok || written.failed[0]) return undefined;
  if (written.failed[1]) return refuseUnknown(peer);
  return written.failed[2] ? refuseBlocked(peer) : 'again';
}

const refuseUnknown = (peer: string) => refuse('user_not_found', `to: there is no user ${peer}`);
const refuseBlocked = (peer: string) => refuse('blocked', `to: ${peer} does not take messages from you`);
