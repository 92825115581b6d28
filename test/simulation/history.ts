// What a simulation run leaves behind: what was sent, what each device showed, what the server says in the end.
import type { limits } from '../../src/protocol/limits.ts';
import type { Reaction, Slot } from '../../src/protocol/messages.ts';
import type { SyncEvent } from '../../src/protocol/server-frames.ts';
import type { Asked, GroupTruth } from './groups/history.ts';
import type { Wish } from './people/wishes.ts';
import type { Notified, SleeperHistory } from './sleepers/history.ts';

/** A message that somebody gave to a client to send. */
export interface Sent {
  readonly userId: string;
  readonly deviceId: string;
  readonly conversationId: string;
  readonly clientMsgId: string;
  readonly text: string;
  readonly silent: boolean;
  /** `sent`: the server's `ok` reached the client. `unknown`: the client crashed before it had made it durable. */
  readonly outcome: 'sent' | 'unknown' | 'rejected';
  /** What the answers said; more than one value is a finding. */
  readonly seqs: readonly number[];
  /** Every frame of it was answered with a refusal. */
  readonly isRefusedForSure?: boolean;
}

/** What somebody did, or tried to do, to a message of their own. */
export interface Changed {
  readonly conversationId: string;
  readonly seq: number;
  readonly by: string;
  readonly kind: 'recall' | 'edit';
  /** Of an edit. */
  readonly text?: string;
  /** When the server's `ok` reached the client; absent: nobody knows whether it was done, or it was refused. */
  readonly doneAt?: number;
}

/** A message as a device showed it to its user. */
export interface Shown {
  readonly conversationId: string;
  readonly seq: number;
  readonly from: string;
  readonly clientMsgId: string;
  /** `undefined`: recalled. */
  readonly text: string | undefined;
  /** Of one that it keeps in the end. */
  readonly reactions?: readonly Reaction[];
}

/** What a page of history, read in the middle of it all, said about a slot. */
export interface Told {
  readonly conversationId: string;
  readonly seq: number;
  /** Absent: a void. */
  readonly clientMsgId?: string;
  readonly text?: string | undefined;
  readonly askedAt: number;
}

/** That a user read a conversation on a device, up to a seq. */
export interface Marked {
  readonly conversationId: string;
  readonly seq: number;
  /** It was kept; otherwise the device died before anybody can know. */
  readonly isKept: boolean;
}

/** How a device shows a conversation in its list, after everybody has connected anew. */
export interface Listed {
  readonly conversationId: string;
  readonly unread: number;
  readonly peerReadSeq: number;
}

/** What a device met or did, as one sees it at its sockets and its disk. */
export type Step =
  /** All of the mailbox from there to there, ends included. */
  | { readonly heard: { readonly from: number; readonly to: number } }
  /** The server says after which entry a device begins that named none. */
  | { readonly begins: number }
  /** The mailbox is another one, or keeps less than the device needs: what counts begins after that. */
  | { readonly anew: number }
  /** The position on its disk. */
  | { readonly kept: number }
  /** It is told that another device took over. */
  | { readonly kicked: true }
  /** One of its tabs knows that: it told its app. */
  | { readonly knows: number }
  /** Its user wants it to connect. */
  | { readonly asked: true }
  /** It tries to connect, in a tab if it has several; `resume`: it says that nobody asked for it. */
  | { readonly opens: { readonly tab?: number | undefined; readonly resume: boolean } }
  /** It sends over a connection on which it has not synced to the head yet. */
  | { readonly hasty: true }
  /** A cursor in a frame that leaves: of `ack`, `send`, `ping`, or the `after` of a `sync`. */
  | { readonly told: number };

export interface DeviceHistory {
  readonly userId: string;
  readonly deviceId: string;
  readonly told: readonly Told[];
  /** In the order in which it was shown, over all crashes and restarts. */
  readonly shown: readonly Shown[];
  readonly changes: readonly Changed[];
  readonly marked: readonly Marked[];
  readonly listed: readonly Listed[];
  readonly journal: readonly Step[];
  /** What it has in the end. */
  readonly kept: readonly Shown[];
}

/** Where a `sync` that named no position began, and how much the device had taken when it asked. */
export interface CursorSeen {
  readonly cursor: number;
  readonly taken: number;
}

/** What a client that is not the SDK took of its user's mailbox, in that order. */
export interface PlainHistory {
  readonly userId: string;
  readonly deviceId: string;
  readonly taken: readonly SyncEvent[];
  readonly cursors: readonly CursorSeen[];
}

/** A conversation as one of its members reads it from the server, after the storm. */
export interface Truth {
  readonly userId: string;
  readonly conversationId: string;
  readonly members: readonly string[];
  /** From the floor on, below which this member sees nothing. */
  readonly slots: readonly Slot[];
  readonly floorSeq: number;
  /** Up to here they have read by joining. */
  readonly joinedSeq: number;
  /** Messages up to here stand in the mailbox, those above it in history alone. */
  readonly cutoverSeq: number;
  readonly headSeq: number;
  readonly unread: number;
  readonly readSeq: number;
  readonly peerReadSeq: number;
}

/** The sync timeline of a user, read from its beginning by a plain client, after the storm. */
export interface MailboxTruth {
  readonly userId: string;
  readonly head: number;
  readonly events: readonly SyncEvent[];
}

/** Records that no function can read: how many there were, and how many of them were given up in the end. */
export interface PoisonSeen {
  readonly put: number;
  readonly givenUp: number;
}

/** Of one message. */
export type ReactionLimits = Readonly<Record<keyof typeof limits.reactions, number>>;

export interface RunHistory {
  readonly seed: number;
  readonly sent: readonly Sent[];
  /** clientMsgIds of what still waited for an answer when nothing moved any more. */
  readonly waiting: readonly string[];
  /** Frames of all, in no order. */
  readonly wishes: readonly Wish[];
  readonly reactionLimits: ReactionLimits;
  readonly devices: readonly DeviceHistory[];
  readonly plain: readonly PlainHistory[];
  readonly truths: readonly Truth[];
  readonly mailboxes: readonly MailboxTruth[];
  /** Groups whose members come and go. */
  readonly groups: readonly GroupTruth[];
  readonly asked: readonly Asked[];
  readonly poison: PoisonSeen;
  /** How long readers wait for a number's message, in the story's time; absent: nobody knows. */
  readonly settleMs?: number | undefined;
  readonly sleepers: readonly SleeperHistory[];
  /** All that devices were notified of, in that order. */
  readonly notified: readonly Notified[];
}
