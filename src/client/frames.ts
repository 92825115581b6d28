// What the client reads of the server's frames. More forgiving than the server's own schemas: a client of today must
// live with the fields, event kinds and message types of tomorrow.
import { isObject } from '../protocol/body.ts';
import type { ErrorCode } from '../protocol/errors.ts';
import type { Contact, ConversationSettings } from '../protocol/server-frames.ts';
import type { Message, Reaction, Slot, VoidSlot } from '../protocol/messages.ts';
import type { extraAnswers } from './extra-frames.ts';
import { isVoid, referencesOf, type PossibleReferences } from '../protocol/slots.ts';
import {
  attempt,
  boolean,
  either,
  integerFrom,
  list,
  literal,
  number,
  object,
  openObject,
  optional,
  sparse,
  string,
  where,
  type Read,
  type Reader,
} from './reader.ts';

export const count = integerFrom(0);
export const seq = integerFrom(1);

export type EphemeralMessage = Omit<Message, 'seq'>;

export const reactions: Reader<Reaction[]> = list(
  object({ emoji: string, count, users: list(string), mine: boolean }),
);

export const messageFields = {
  conversationId: string,
  clientMsgId: string,
  serverTime: number,
  from: string,
  deviceId: string,
  type: string as Reader<Message['type']>,
  body: where(isObject),
  recalled: optional(boolean, false),
  edited: optional(number, null),
  silent: optional(boolean, false),
  replyTo: optional(seq),
  mentions: optional(either(literal('all'), list(string))),
  reactions: optional(reactions),
};
const openMessage = openObject({ ...messageFields, seq });
export const message: Reader<Message> = (value) => tidy(openMessage(value));

type Possible = PossibleReferences & { readonly reactions: Reaction[] | undefined };

/** What a message has nothing of is not in it. */
export function tidy<M extends Possible>({ replyTo, mentions, reactions: given, ...message }: M) {
  return { ...message, ...referencesOf({ replyTo, mentions }), ...(given && { reactions: given }) };
}
const slotPlace = object({ conversationId: string, seq });
const voidSlot = object({ conversationId: string, seq, void: literal(true) });

/** A void of this device's own: there is a message, but one that it cannot read or keep. */
export interface LostSlot extends VoidSlot {
  readonly lost: 'unreadable' | 'unstorable';
}

const unreadable: Reader<LostSlot> = (value) => ({ ...slotPlace(value), void: true, lost: 'unreadable' });
/** One bad record must not hold up all that follow it. */
export const slot: Reader<Slot> = either(message, voidSlot, unreadable);

export const settings = object({
  pinned: boolean,
  muted: boolean,
  hidden: boolean,
  clearedSeq: count,
  draft: string,
});
export interface ChangedSettings {
  readonly conversationId: string;
  readonly settings: ConversationSettings;
}

/** An entry of the mailbox; without a slot: of a kind that this client does not know. */
export interface TakenEvent {
  readonly syncSeq: number;
  readonly slot?: Slot;
  /** What a control message tells of, as it is now. */
  readonly target?: Message;
  /** Of a conversation, as they are now. */
  readonly changed?: ChangedSettings;
  /** The user came into a group, is in it no more, or a large one has something new. */
  readonly stay?: Stay;
  readonly contact?: ChangedContact;
}

export interface ChangedContact {
  readonly userId: string;
  /** None: it was removed. */
  readonly contact?: Contact;
}

export interface Stay {
  readonly conversationId: string;
  readonly left: boolean;
  /** Its messages are not in the mailbox. */
  readonly large?: true;
}

const messageEvent = object({
  kind: literal('message'),
  message: slot,
  target: optional((value) => attempt(message, value)),
});
const conversationEvent = object({ kind: literal('conversation'), conversationId: string, change: string });
const changedSettings = object({ conversationId: string, settings });
const contactEvent = object({ kind: literal('contact') });
export const contact = sparse<Contact>({
  userId: string,
  alias: optional(string),
  starred: boolean,
  since: number,
});
const changedContact = sparse<ChangedContact>({ userId: string, contact: optional(contact) });
const leaving = ['left', 'removed', 'dismissed'];
type Content = Omit<TakenEvent, 'syncSeq'>;
/** What an event holds beside its place. */
const content = either(
  (value): Content => {
    const { message: told, target } = messageEvent(value);
    return { slot: told, ...(target && { target }) };
  },
  (value): Content => ({ changed: changedSettings(value) }),
  (value): Content => {
    const { conversationId, change } = conversationEvent(value);
    if (change === 'heads') return { stay: { conversationId, left: false, large: true } };
    if (change !== 'joined' && !leaving.includes(change)) return {};
    return { stay: { conversationId, left: change !== 'joined' } };
  },
  (value): Content => contactEvent(value) && { contact: changedContact(value) },
);
const place = object({ syncSeq: seq });
const event: Reader<TakenEvent> = (value) => ({ ...place(value), ...attempt(content, value) });

export const isLost = (value: Slot): value is LostSlot => 'lost' in value && isVoid(value);

export const position = {
  conversationId: string,
  readSeq: count,
  unread: count,
  peerReadSeq: optional(count),
  lastSeq: count,
};
const mailbox = optional(string);
export const reset = object({ reset: literal(true), head: count, mailbox });

const answers = {
  send: object({ conversationId: string, seq: optional(seq), serverTime: number }),
  sync: either(reset, object({ events: list(event), next: count, head: count, more: boolean, mailbox })),
  positions: object({ positions: list(object(position)) }),
  ping: object({ head: count, serverTime: number, mailbox }),
} as const;

type Answers = typeof answers & typeof extraAnswers;
export type RequestAction = keyof Answers;
export type AnswerTo<A extends RequestAction> = Read<Answers[A]>;

const known: Partial<Record<RequestAction, Reader<unknown>>> = { ...answers };

/** Whoever asks for more knows how the answers are read, and says so first. */
export function learnAnswers(more: typeof extraAnswers): void {
  Object.assign(known, more);
}

const refused = object({
  id: optional(string),
  ok: literal(false),
  error: object({
    code: string as Reader<ErrorCode>,
    message: string,
    retryable: boolean,
    retryAfterMs: optional(count),
  }),
});
const accepted = openObject({ id: string, ok: literal(true) });

const pushes = {
  sync: object({ push: literal('sync'), from: seq, to: seq, events: optional(list(event)) }),
  read: object({ push: literal('read'), conversationId: string, userId: string, readSeq: seq }),
  /** For the extras, which read the rest of them. */
  extra: openObject({
    push: either(literal('group'), literal('typing'), literal('presence'), literal('ephemeral')),
  }),
  kicked: object({
    push: literal('kicked'),
    reason: optional(string, 'replaced'),
    by: optional(object({ deviceId: string, platform: string })),
  }),
} as const;

/** API Gateway's own words when a function failed: it does not say which request that was. */
const gatewayError = object({ message: string, requestId: string });

export type SyncPush = Read<typeof pushes.sync>;
export type KickedPush = Read<typeof pushes.kicked>;
export type ReadPush = Read<typeof pushes.read>;
export type ExtraPush = Read<typeof pushes.extra>;
export type ServerPush = Read<(typeof pushes)[keyof typeof pushes]>;

const frame = either(accepted, refused, pushes.sync, gatewayError, pushes.read, pushes.extra, pushes.kicked);
export type ServerFrame = Read<typeof frame>;

/** `undefined`: nothing that this client knows. */
export function parseFrame(text: unknown): ServerFrame | undefined {
  return attempt((json) => frame(JSON.parse(String(json))), text);
}

export function parseAnswer<A extends RequestAction>(action: A, from: unknown): AnswerTo<A> | undefined {
  return attempt(known[action] as Reader<AnswerTo<A>>, from);
}
