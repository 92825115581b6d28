// The stored data: keys and what they hold. A change here is a new schema version: add its step to migrations.ts.
//
//   meta                              whose data, which device, how far synced
//   conversation/<id>                 how far shown, unread, the last message
//   message/<id>/<seq>                what was shown
//   waiting/<id>/<seq>                came too early: a hole in the conversation is before it
//   outbox/<order>                    not sent yet
//   push                              where this device wants to be notified
//   holder                            which tab had the connection last, as a number
//   trial/<n>                         for a moment only: whether the storage takes it
import type { Message } from '../../protocol/messages.ts';
import type { ConversationSettings } from '../../protocol/server-frames.ts';
import type { KeyRange } from '../storage/storage.ts';

export interface Identity {
  readonly userId: string;
  readonly deviceId: string;
}

export interface Meta extends Identity {
  /** The name of the mailbox that all of this is from; absent before the first sync. */
  readonly mailbox?: string;
  readonly schemaVersion: number;
  /** All of the mailbox up to here is stored; `null` before the first sync. */
  readonly position: number | null;
  /** Synced from the very first entry: conversations that are not known here are new ones. */
  readonly complete: boolean;
}

/** Where to notify this device. */
export interface PushTarget {
  /** 1–4096 bytes, of a push service. */
  readonly pushToken: string;
  /** The server's name of that service; default: its webhook. */
  readonly provider?: string;
}

export interface PushRecord {
  /** `null`: nowhere any more. */
  readonly target: PushTarget | null;
  /** The mailbox whose server has answered it; absent: none has. */
  readonly toldTo?: string;
}

export interface GroupSummary {
  readonly title: string;
  /** `''`: none. */
  readonly avatar: string;
  readonly memberCount: number;
}

export interface ConversationRecord {
  readonly conversationId: string;
  readonly shownSeq: number | null;
  /** Messages of others that were not read, as far as this device knows. */
  readonly unread: number;
  /** `unread` covers all up to here. */
  readonly countedSeq: number;
  readonly last: Message | null;
  /** All up to here was read, as far as this device knows. */
  readonly readSeq?: number;
  /** Of that, what the server has. */
  readonly toldSeq?: number;
  /** In a direct conversation: the other user has read all up to here. */
  readonly peerReadSeq?: number;
  /** What this user wants of it; absent: nothing special. */
  readonly settings?: ConversationSettings;
  /** Of a group: as its control messages told, or the server's list. */
  readonly group?: GroupSummary;
  /** This user is not in the group any more. */
  readonly left?: boolean;
  /** Its messages come to who looks at it, not to mailboxes; absent: not known. */
  readonly large?: boolean;
  /** The newest own message. */
  readonly ownSeq?: number;
  /** Messages up to here were shown, and are not kept any more. */
  readonly droppedSeq?: number;
}

/** What a message is while it is not sent. */
export interface OutboxRecord {
  readonly order: number;
  readonly clientMsgId: string;
  readonly to: string;
  readonly conversationId: string;
  readonly type: Message['type'];
  readonly body: Readonly<Record<string, unknown>>;
  readonly silent: boolean;
  readonly replyTo?: Message['replyTo'];
  readonly mentions?: Message['mentions'];
  /** Milliseconds since the epoch, by this device's clock. */
  readonly createdAt: number;
  readonly state: 'queued' | 'failed' | 'rejected';
  readonly error?: { readonly code: string; readonly message: string };
}

const pad = (number: number) => String(number).padStart(12, '0');
/** Of what tabs keep beside the device's own data. */
export const holderKey = 'holder';

export const key = {
  meta: 'meta',
  conversation: (conversationId: string) => `conversation/${conversationId}`,
  message: (conversationId: string, seq: number) => `message/${conversationId}/${pad(seq)}`,
  waiting: (conversationId: string, seq: number) => `waiting/${conversationId}/${pad(seq)}`,
  push: 'push',
  outbox: (order: number) => `outbox/${pad(order)}`,
  trial: (index: number) => `trial/${index}`,
} as const;

/** `/` and what follows it in code-unit order. */
export const everythingOf = (prefix: string): KeyRange => ({ from: `${prefix}/`, to: `${prefix}0` });
