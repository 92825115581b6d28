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

const messageFields = {
  conversationId: string,
  clientMsgId: string,
  serverTime: number,
  from: string,
  deviceId: string,
  type: string as Reader<Message['type']>,
  body: where(isObject),
  recalled: optional(boolean, false),
  edited: optional(either(number, literal(null)), null),
  silent: optional(boolean, false),
  replyTo: optional(seq),
  mentions: optional(either(literal('all'), list(string))),
  reactions: optional(reactions),
};
const openMessage = openObject({ ...messageFields, seq });
export const message: Reader<Message> = (value) => tidy(openMessage(value));
const openEphemeral = openObject(messageFields);
const ephemeral: Reader<EphemeralMessage> = (value) => tidy(openEphemeral(value));

type Possible = PossibleReferences & { readonly reactions: Reaction[] | undefined };

/** What a message has nothing of is not in it. */
function tidy<M extends Possible>({ replyTo, mentions, reactions: given, ...message }: M) {
  return { ...message, ...referencesOf({ replyTo, mentions }), ...(given && { reactions: given }) };
}
const place = object({ conversationId: string, seq });
const voidSlot = object({ conversationId: string, seq, void: literal(true) });

/** A void of this device's own: there is a message, but one that it cannot read or keep. */
export interface LostSlot extends VoidSlot {
  readonly lost: 'unreadable' | 'unstorable';
}

const unreadable: Reader<LostSlot> = (value) => ({ ...place(value), void: true, lost: 'unreadable' });
/** One bad record must not hold up all that follow it. */
export const slot: Reader<Slot> = either(either(voidSlot, message), unreadable);

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
  syncSeq: seq,
  kind: literal('message'),
  message: slot,
  target: (value) => attempt(message, value),
});
const conversationEvent = object({
  syncSeq: seq,
  kind: literal('conversation'),
  conversationId: string,
  change: string,
});
const settingsEvent = object({ syncSeq: seq, conversationId: string, settings });
export const contact = sparse<Contact>({
  userId: string,
  alias: optional(string),
  starred: boolean,
  since: number,
});
const changedContact = sparse<ChangedContact>({ userId: string, contact: optional(contact) });
const contactEvent = object({ syncSeq: seq, kind: literal('contact') });
const leaving = ['left', 'removed', 'dismissed'];
const stayEvent: Reader<TakenEvent> = (value) => {
  const { syncSeq, conversationId, change } = conversationEvent(value);
  if (change === 'heads') return { syncSeq, stay: { conversationId, left: false, large: true } };
  if (change !== 'joined' && !leaving.includes(change)) return { syncSeq };
  return { syncSeq, stay: { conversationId, left: change !== 'joined' } };
};
const event: Reader<TakenEvent> = either(
  (value) => {
    const { syncSeq, message: told, target } = messageEvent(value);
    return { syncSeq, slot: told, ...(target && { target }) };
  },
  either(
    (value) => {
      const { syncSeq, ...changed } = settingsEvent(value);
      return { syncSeq, changed };
    },
    either(
      stayEvent,
      either(
        (value) => {
          const { syncSeq } = contactEvent(value);
          return { syncSeq, contact: changedContact(value) };
        },
        object({ syncSeq: seq }),
      ),
    ),
  ),
);

export const isLost = (value: Slot): value is LostSlot => 'lost' in value && isVoid(value);

const position = {
  conversationId: string,
  readSeq: count,
  unread: count,
  peerReadSeq: optional(count),
  lastSeq: count,
};
const listed = object({ ...position, last: either(literal(null), message) });
const listedGroup = object({ title: string, avatar: optional(string, ''), memberCount: count });
const conversation = (value: unknown) => ({
  ...listed(value),
  settings: settings(value),
  group: attempt(listedGroup, value),
});
export type ListedConversation = ReturnType<typeof conversation>;
const mailbox = optional(string);
export const reset = object({ reset: literal(true), head: count, mailbox });

const answers = {
  send: object({ conversationId: string, seq: optional(seq), serverTime: number }),
  sync: either(reset, object({ events: list(event), next: count, head: count, more: boolean, mailbox })),
  history: object({
    /** Undefined: not even its place can be read. */
    messages: list((value) => attempt(slot, value)),
    floorSeq: seq,
    headSeq: count,
    end: boolean,
    pending: optional(boolean, false),
  }),
  read: object({ readSeq: count, unread: count }),
  positions: object({
    positions: list(object(position)),
  }),
  /** Undefined: it cannot be read. */
  conversations: object({
    conversations: list((value) => attempt(conversation, value)),
    next: optional(string),
  }),
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
  extra: openObject({ push: either(literal('group'), either(literal('typing'), literal('presence'))) }),
  ephemeral: object({
    push: literal('ephemeral'),
    message: ephemeral,
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

const frame = either(
  either(accepted, refused),
  either(
    either(pushes.sync, gatewayError),
    either(either(pushes.read, pushes.extra), either(pushes.ephemeral, pushes.kicked)),
  ),
);
export type ServerFrame = Read<typeof frame>;

/** `undefined`: nothing that this client knows. */
export function parseFrame(text: unknown): ServerFrame | undefined {
  return attempt((json) => frame(JSON.parse(String(json))), text);
}

export function parseAnswer<A extends RequestAction>(action: A, from: unknown): AnswerTo<A> | undefined {
  return attempt(known[action] as Reader<AnswerTo<A>>, from);
}
