// What a run leaves behind of its groups: what was asked of them, and what the server says of them in the end.
import type { Slot } from '../../../src/protocol/messages.ts';
import type { Role, ServerFrame } from './frames.ts';

/** A request about a group, repeated until it was answered. */
export interface Asked {
  readonly by: string;
  readonly action: string;
  readonly conversationId: string | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
  /** Everything that is no reason to try the same again, in the order in which it came. */
  readonly answers: readonly ServerFrame[];
}

export interface GroupMember {
  readonly userId: string;
  readonly role: Role;
  readonly joinedSeq: number;
  readonly mutedUntil?: number;
}

/** What one user is told of a group. */
export interface View {
  readonly userId: string;
  /** Codes that `history`, `group`, `members` and `send` are refused with; of one who is in it, none. */
  readonly refusals: readonly string[];
  readonly floorSeq: number;
  /** From the floor on. */
  readonly slots: readonly Slot[];
  readonly headSeq: number;
  /** What `positions` names. */
  readonly isPositioned: boolean;
  readonly group: ServerFrame | undefined;
}

/** A group after the storm. Its founder never goes, so all of it is read by them, in their mailbox if it was dismissed. */
export interface GroupTruth {
  readonly conversationId: string;
  readonly founder: string;
  readonly history: 'all' | 'joined';
  /** Nobody is in it any more. */
  readonly isEnded: boolean;
  /** From the first number on. */
  readonly slots: readonly Slot[];
  readonly members: readonly GroupMember[];
  readonly views: readonly View[];
}
