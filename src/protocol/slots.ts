// What to make of a slot; no schemas, for these are in every bundle.
import type { Message, Slot, VoidSlot } from './messages.ts';
import type { Role } from './server-frames.ts';

/** What a `control` message tells of, besides `by` whom: what was done to the message `seq` … */
export interface ChangeBody {
  readonly op: 'recall' | 'edit' | 'reaction';
  readonly seq: number;
}

interface Named {
  readonly title: string;
  readonly avatar?: string;
}

/** Members by then. */
interface Counted {
  readonly memberCount: number;
}

/** … or to the group. */
export type GroupBody =
  /** `users`: the first members beside who made it. Who comes learns what the group is called. */
  | (Named & Counted & { readonly op: 'group.created' | 'group.added'; readonly users: readonly string[] })
  | (Counted & { readonly op: 'group.removed'; readonly users: readonly string[] })
  | (Counted & { readonly op: 'group.left' })
  | { readonly op: 'group.dismissed' }
  /** Names of the fields, and what is in them now. */
  | {
      readonly op: 'group.updated';
      readonly fields: readonly string[];
      readonly values: Readonly<Record<string, unknown>>;
    }
  | { readonly op: 'group.role'; readonly userId: string; readonly role: Role }
  /** Milliseconds since the epoch; 0: no more. */
  | { readonly op: 'group.muted'; readonly userId: string; readonly until: number }
  /** From that seq on, messages are not written to each member's mailbox any more. */
  | { readonly op: 'group.fanout'; readonly mode: 'read'; readonly from: number };

/** What a message points at. */
export type References = Pick<Message, 'replyTo' | 'mentions'>;

export type PossibleReferences = { readonly [Name in keyof References]: References[Name] | undefined };

/** Only what there is of it: so it is stored, and so it is answered. */
export const referencesOf = ({ replyTo, mentions }: PossibleReferences): References => ({
  ...(replyTo !== undefined && { replyTo }),
  ...(mentions !== undefined && mentions.length > 0 && { mentions }),
});

/** The message that a control message is about. */
export function targetSeq(slot: Slot): number | undefined {
  if (isVoid(slot) || slot.type !== 'control') return undefined;
  const { seq } = slot.body as Partial<ChangeBody>;
  return typeof seq === 'number' ? seq : undefined;
}

export function isVoid(slot: Slot): slot is VoidSlot {
  return 'void' in slot;
}
