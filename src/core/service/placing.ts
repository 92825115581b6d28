// One message of the service API into its slot, with the item that remembers it: with the next number, if nobody else takes
// it; or, in a conversation where others are always faster, with one that was taken beforehand.
import type { ConversationRef } from '../../protocol/ids.ts';
import type { SendMessagesRequest } from '../../protocol/service-requests.ts';
import type { Context } from '../context.ts';
import { numbering } from '../control-messages.ts';
import { sideOf, toHead, type ConversationHead } from '../conversations.ts';
import type { Item, TransactionPart } from '../database.ts';
import { voidSlot } from '../fencing.ts';
import {
  fromHookAttribute,
  headKey,
  memberAttributes,
  memberKey,
  sideAttributes,
  ttlAttribute,
} from '../tables.ts';
import { messageItem } from '../timeline.ts';
import { SERVICE_DEVICE } from './callers.ts';

export interface Placing {
  readonly request: Omit<SendMessagesRequest, 'to'>;
  readonly conversation: ConversationRef;
  /** As it was read. */
  readonly head: Item;
  /** The sender is one of the group. */
  readonly isMember: boolean;
  readonly claim: { readonly conversationId: string; readonly payload: Buffer; readonly expiresAt: number };
}

/** `again`: somebody was faster, maybe the same request; look anew. */
export type Placed = { readonly seq: number } | 'again' | 'blocked';

export async function placeInNext(ctx: Context, placing: Placing): Promise<Placed> {
  const { request, conversation } = placing;
  const before = toHead(placing.head);
  if (isBlocked(placing)) return 'blocked';
  const [seq, counted] = [before.seq + 1, before.counted + (request.silent ? 0 : 1)];
  const read = { readSeq: seq, readCounted: counted };
  const { sets, conditions, names } = headChange(ctx, placing);
  const written = await ctx.db.transact([
    claimPart(ctx, placing, seq),
    messagePart(ctx, placing, { seq, counted, takenAt: before.takenAt }),
    {
      kind: 'update',
      table: 'Conversations',
      key: headKey(conversation.conversationId),
      update: `SET ${['#seq = :readSeq', '#counted = :readCounted', ...sets].join(', ')}`,
      condition: ['#seq = :seen', ...conditions].join(' AND '),
      names,
      values: { ...read, seen: before.seq, now: ctx.now(), ...expiring(ctx) },
    },
    ...memberPart(ctx, placing, { seq, counted }),
  ]);
  return written.ok ? { seq } : 'again';
}

export async function placeInTaken(ctx: Context, placing: Placing): Promise<Placed> {
  const { request, conversation } = placing;
  const { conversationId } = conversation;
  if (isBlocked(placing)) return 'blocked';
  const { sets, conditions, names } = headChange(ctx, placing);
  const increment = request.silent ? '#counted' : '#counted + :one';
  const ownNumber = sets.map((set) =>
    set.replace(':readSeq', '#seq + :one').replace(':readCounted', increment),
  );
  const taken = await ctx.db.update({
    table: 'Conversations',
    key: headKey(conversationId),
    update: `SET ${['#seq = #seq + :one', `#counted = ${increment}`, ...ownNumber].join(', ')}`,
    condition: ['attribute_exists(#seq)', ...conditions].join(' AND '),
    names,
    values: { one: 1, now: ctx.now(), ...expiring(ctx) },
    returning: 'ALL_NEW',
  });
  if (!taken.ok) return 'again';
  const after = toHead(taken.item);
  const { seq, counted } = after;
  const written = await ctx.db.transact([
    claimPart(ctx, placing, seq),
    messagePart(ctx, placing, { seq, counted, takenAt: after.takenAt.slice(1) }),
    ...memberPart(ctx, placing, { seq, counted }),
  ]);
  if (!written.ok) {
    await voidSlot(ctx, conversationId, { seq, counted, silent: request.silent });
    return 'again';
  }
  return { seq };
}

/** In a group: the sender is still in, may write, and has read what came before. */
function memberPart(
  ctx: Context,
  { request, conversation: { conversationId }, isMember }: Placing,
  { seq, counted }: Pick<ConversationHead, 'seq' | 'counted'>,
): TransactionPart[] {
  if (!isMember) return [];
  return [
    {
      kind: 'update',
      table: 'Conversations',
      key: memberKey(conversationId, request.from),
      update: 'SET #readSeq = :seq, #readCounted = :counted',
      condition: [
        'attribute_exists(#role)',
        '(attribute_not_exists(#mutedUntil) OR #mutedUntil <= :now)',
        // Another send of this user may have come later, and noted it earlier: that number is given up.
        '(attribute_not_exists(#readSeq) OR #readSeq < :seq)',
      ].join(' AND '),
      names: memberAttributes,
      values: { seq, counted, now: ctx.now() },
    },
  ];
}

const sideNames = ({ conversation, request }: Placing) =>
  conversation.kind === 'direct' ? sideAttributes(sideOf(conversation, request.from)) : undefined;

function isBlocked(placing: Placing): boolean {
  const side = sideNames(placing);
  return side !== undefined && placing.head[side.blocked] !== undefined;
}

/** Besides the number: `:readSeq` and `:readCounted` are the message's own. */
function headChange(ctx: Context, placing: Placing) {
  const side = sideNames(placing);
  return {
    sets: [
      numbering,
      ...(ctx.settings.messageRetentionDays ? ['#expiring = :expiring'] : []),
      ...(side ? ['#readSeq = :readSeq', '#readCounted = :readCounted'] : []),
    ],
    conditions: [
      'attribute_not_exists(#dismissedSeq)',
      '(attribute_not_exists(#hold) OR #hold <= :now)',
      ...(side ? ['attribute_not_exists(#blocked)'] : []),
    ],
    names: { ...side },
  };
}

const expiring = ({ settings }: Context) => (settings.messageRetentionDays ? { expiring: 1 } : {});

/** Of a day ago it may still be there: DynamoDB takes its time. */
function claimPart(ctx: Context, { claim }: Placing, seq: number): TransactionPart {
  return {
    kind: 'put',
    table: 'Conversations',
    item: { ...claim, seq },
    condition: 'attribute_not_exists(#conversationId) OR #expiresAt <= :now',
    names: { expiresAt: ttlAttribute },
    values: { now: Math.floor(ctx.now() / 1_000) },
  };
}

type Numbered = Pick<ConversationHead, 'seq' | 'counted'> & {
  /** When the numbers before it were given out. */
  readonly takenAt: ConversationHead['takenAt'];
};

function messagePart(
  ctx: Context,
  { request, conversation }: Placing,
  { seq, counted, takenAt }: Numbered,
): TransactionPart {
  const { from, clientMsgId, type, body, silent, fromHook } = request;
  const [before, beforeThat] = takenAt;
  const item = messageItem(ctx, {
    conversationId: conversation.conversationId,
    seq,
    counted,
    ...(before !== undefined && { before }),
    ...(beforeThat !== undefined && { beforeThat }),
    clientMsgId,
    from,
    deviceId: SERVICE_DEVICE,
    type,
    body,
    serverTime: ctx.now(),
    silent,
  });
  return {
    kind: 'put',
    table: 'Messages',
    item: { ...item, ...(fromHook && { [fromHookAttribute]: true }) },
    condition: 'attribute_not_exists(#conversationId)',
  };
}
