// Silent messages that the server puts into a timeline to tell what was done to another one. The change, the number and
// the message are one transaction: nobody dies in between, and what is told was done.
import type { ChangeBody, GroupBody } from '../protocol/slots.ts';
import type { Caller, Context } from './context.ts';
import { hasSameMembers, sameMembers, toHead, type ConversationHead } from './conversations.ts';
import type { TransactionPart } from './database.ts';
import { voidSlot } from './fencing.ts';
import { headKey } from './tables.ts';
import { messageItem } from './timeline.ts';

/** From then on a number is taken beforehand: in a conversation where others are always faster. */
const OPTIMISTIC_ROUNDS = 3;
const MAX_ROUNDS = 8;

export interface Control {
  readonly conversationId: string;
  readonly clientMsgId: string;
  readonly body: ChangeBody;
  /** A counted slot that holds nothing to read any more. */
  readonly uncounted?: number;
  /** What is told, to be done under the condition that it can still be done; `seq`: of the control message. */
  readonly change: (seq: number) => TransactionPart & { readonly kind: 'update' };
  /** As it was read. */
  readonly head: ConversationHead;
}

export type ControlOutcome =
  | { readonly outcome: 'told'; readonly seq: number; readonly head: ConversationHead }
  /** The condition of the change did not hold, or of the group others are members by now. */
  | { readonly outcome: 'refused' }
  | { readonly outcome: 'contended' };

/** Makes a change, and tells of it. */
export async function changeAndTell(ctx: Context, caller: Caller, control: Control): Promise<ControlOutcome> {
  const { conversationId, uncounted } = control;
  const key = headKey(conversationId);
  let { head } = control;
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    if (round > 1) await ctx.backOff(round - 1);
    const isTaken = round > OPTIMISTIC_ROUNDS;
    if (isTaken) {
      const taken = await takeNumber(ctx, key, head);
      if (!taken) return { outcome: 'refused' };
      head = taken;
    }
    const seq = isTaken ? head.seq : head.seq + 1;
    const written = await ctx.db.transact([
      control.change(seq),
      controlMessage(ctx, caller, {
        conversationId,
        seq,
        clientMsgId: control.clientMsgId,
        body: control.body,
        head: isTaken ? { ...head, takenAt: head.takenAt.slice(1) } : head,
      }),
      ...(isTaken ? [] : [nextNumber(ctx, key, head, uncounted)]),
      ...(isTaken && uncounted !== undefined
        ? [{ kind: 'update' as const, table: 'Conversations' as const, key, ...uncount(uncounted) }]
        : []),
    ]);
    if (written.ok) return { outcome: 'told', seq, head };
    if (written.failed[0]) {
      if (isTaken) await voidSlot(ctx, conversationId, { seq, counted: head.counted, silent: true });
      return { outcome: 'refused' };
    }
    const latest = written.failed[2]?.item;
    if (latest && !hasSameMembers(latest, head)) return { outcome: 'refused' };
    if (latest) head = toHead(latest);
  }
  return { outcome: 'contended' };
}

interface ControlMessage {
  readonly conversationId: string;
  readonly seq: number;
  readonly clientMsgId: string;
  readonly body: ChangeBody | GroupBody;
  /** As it was before it. */
  readonly head: Pick<ConversationHead, 'counted' | 'takenAt'>;
}

/** The clientMsgId of a message that the server makes about a group: `group-added-7`. */
export const controlId = ({ op }: GroupBody, seq: number) => `${op.replace('.', '-')}-${seq}`;

/** Into its slot, if that is empty. */
export function controlMessage(
  ctx: Context,
  { userId, deviceId }: Pick<Caller, 'userId' | 'deviceId'>,
  { conversationId, seq, clientMsgId, body, head }: ControlMessage,
): Extract<TransactionPart, { kind: 'put' }> {
  const [before, beforeThat] = head.takenAt;
  return {
    kind: 'put',
    table: 'Messages',
    item: messageItem(ctx, {
      conversationId,
      seq,
      counted: head.counted,
      ...(before !== undefined && { before }),
      ...(beforeThat !== undefined && { beforeThat }),
      clientMsgId,
      from: userId,
      deviceId,
      type: 'control',
      body: { ...body, by: userId },
      serverTime: ctx.now(),
      silent: true,
    }),
    condition: 'attribute_not_exists(#conversationId)',
  };
}

type HeadKey = { readonly conversationId: string; readonly item: string };

/** When a number is given out, the head notes it with the two before. */
export const numbering = '#beforeThat = if_not_exists(#before, #at), #before = #at, #at = :now';

/** Nobody else has taken a number since the head was read. */
function nextNumber(
  ctx: Context,
  key: HeadKey,
  { seq, controls }: ConversationHead,
  uncounted: number | undefined,
): TransactionPart {
  const slots = uncounted === undefined ? undefined : uncount(uncounted);
  return {
    kind: 'update',
    table: 'Conversations',
    key,
    update: [`SET #seq = :next, #controls = :controls, ${numbering}`, slots?.update]
      .filter(Boolean)
      .join(' '),
    condition: '#seq = :seq',
    values: { seq, next: seq + 1, controls: controls + 1, now: ctx.now(), ...slots?.values },
  };
}

/** Nothing, when others are members by now. */
async function takeNumber(
  ctx: Context,
  key: HeadKey,
  head: ConversationHead,
): Promise<ConversationHead | undefined> {
  const { condition, values } = sameMembers(head);
  const written = await ctx.db.update({
    table: 'Conversations',
    key,
    update: `SET #seq = #seq + :one, #controls = if_not_exists(#controls, :none) + :one, ${numbering}`,
    condition: `attribute_exists(#seq) AND ${condition}`,
    values: { one: 1, none: 0, now: ctx.now(), ...values },
    returning: 'ALL_NEW',
  });
  return written.ok ? toHead(written.item) : undefined;
}

const uncount = (seq: number) => ({ update: 'ADD #uncounted :slots', values: { slots: new Set([seq]) } });
