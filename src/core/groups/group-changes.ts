// How a group changes: what is changed, its number in the timeline and the control message that tells of it are one
// transaction, on condition that nothing else was numbered since the state was read. So changes are serialised, whoever
// makes them, and nobody dies in between. Who is faster than a change for long is made to wait for it.
import { refuse, type Refusal } from '../../protocol/errors.ts';
import type { GroupBody } from '../../protocol/slots.ts';
import { toHead, type ConversationHead } from '../conversations.ts';
import { controlId, controlMessage, numbering } from '../control-messages.ts';
import type { Caller, Context } from '../context.ts';
import type { TransactionPart } from '../database.ts';
import { refuseStranger } from '../members.ts';
import {
  isAdmin,
  readMembers,
  toGroupHead,
  toGroupMember,
  type GroupHead,
  type GroupMember,
} from './group.ts';
import { headKey } from '../tables.ts';

const MAX_ROUNDS = 12;
/** From then on messages wait for the change. */
const PATIENT_ROUNDS = 3;
const HOLD_MS = 500;

/** A group as it was read, by one of its members. */
export interface GroupState {
  readonly conversationId: string;
  readonly head: ConversationHead;
  readonly group: GroupHead;
  readonly me: GroupMember;
}

/** What is to be written to the HEAD besides the number. */
export interface HeadChange {
  readonly set?: Readonly<Record<string, unknown>>;
  readonly remove?: readonly string[];
  /** Members who come, or (less than 0) go. */
  readonly members?: number;
}

export interface GroupChange<T> {
  /** What is told of it: one control message each. */
  readonly bodies: readonly GroupBody[];
  readonly parts: readonly TransactionPart[];
  readonly head?: HeadChange;
  readonly answer: T;
}

/** What is to be done, in view of a group as it is; or an answer, if nothing is. */
export type Decide<T> = (state: GroupState) => Promise<GroupChange<T> | { readonly answer: T } | Refusal>;

export const refuseRole = (who: string) => refuse('forbidden', `only ${who} may do this`);

/** Makes a change as one of the group's members; it is decided anew when something came before it. */
export async function changeGroup<T>(
  ctx: Context,
  caller: Caller,
  conversationId: string,
  decide: Decide<T>,
): Promise<{ readonly ok: true; readonly answer: T } | Refusal> {
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    if (round > 1) await ctx.backOff(Math.min(round, 4));
    if (round > PATIENT_ROUNDS) await holdMessages(ctx, conversationId);
    const state = await readState(ctx, conversationId, caller.userId);
    if (!state) return refuseStranger(conversationId);
    const decided = await decide(state);
    if ('error' in decided) return decided;
    if (!('bodies' in decided)) return { ok: true, answer: decided.answer };
    if (await commit(ctx, caller, state, decided)) return { ok: true, answer: decided.answer };
  }
  return refuse('unavailable', 'too much contention in this group, try again');
}

/** The HEAD comes first: whatever is read after it holds as long as the HEAD's number does. */
export async function readState(
  ctx: Context,
  conversationId: string,
  userId: string,
): Promise<GroupState | undefined> {
  const head = await ctx.db.get('Conversations', headKey(conversationId), 'strong');
  if (!head) return undefined;
  const group = toGroupHead(head);
  if (group.dismissedSeq !== undefined) return undefined;
  const item = (await readMembers(ctx, conversationId, [userId])).get(userId);
  const me = item && toGroupMember(item);
  if (!me) return undefined;
  return { conversationId, head: toHead(head), group, me };
}

async function commit<T>(
  ctx: Context,
  caller: Caller,
  { conversationId, head, group }: GroupState,
  { bodies, parts, head: change = {} }: GroupChange<T>,
): Promise<boolean> {
  const { set = {}, remove = [], members = 0 } = change;
  const names = Object.keys(set);
  const sets = [
    '#seq = :next',
    '#controls = :controls',
    numbering,
    ...names.map((name) => `#${name} = :${name}`),
    ...(members === 0 ? [] : ['#memberCount = :memberCount', '#membershipVersion = :version']),
  ];
  const written = await ctx.db.transact([
    ...parts,
    {
      kind: 'update',
      table: 'Conversations',
      key: headKey(conversationId),
      update: `SET ${sets.join(', ')} REMOVE ${['hold', ...remove].map((name) => `#${name}`).join(', ')}`,
      condition: '#seq = :seq',
      values: {
        ...set,
        seq: head.seq,
        next: head.seq + bodies.length,
        controls: head.controls + bodies.length,
        now: ctx.now(),
        ...(members !== 0 && {
          memberCount: group.memberCount + members,
          version: group.membershipVersion + 1,
        }),
      },
    },
    ...bodies.map((body, index) =>
      controlMessage(ctx, caller, {
        conversationId,
        seq: head.seq + 1 + index,
        clientMsgId: controlId(body, head.seq + 1 + index),
        body,
        head,
      }),
    ),
  ]);
  return written.ok;
}

/** For a short while nobody takes a number: else a change would never come between the messages of a busy group. */
async function holdMessages(ctx: Context, conversationId: string): Promise<void> {
  await ctx.db.update({
    table: 'Conversations',
    key: headKey(conversationId),
    update: 'SET #hold = :until',
    condition: 'attribute_exists(#seq)',
    values: { until: ctx.now() + HOLD_MS },
  });
}

/** Only the owner and admins. */
export function needAdmin({ me }: GroupState): Refusal | undefined {
  return isAdmin(me) ? undefined : refuseRole('the owner and admins');
}
