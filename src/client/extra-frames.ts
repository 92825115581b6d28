// What the client reads of the answers to what its extras ask for, and of the pushes that are theirs.
import { isObject } from '../protocol/body.ts';
import type { Message } from '../protocol/messages.ts';
import type { GroupPolicy, Role } from '../protocol/server-frames.ts';
import {
  count,
  message,
  messageFields,
  position,
  reactions,
  reset,
  seq,
  settings,
  slot,
  tidy,
  type EphemeralMessage,
} from './frames.ts';
import { peopleAnswers } from './people/frames.ts';
import {
  attempt,
  boolean,
  either,
  list,
  literal,
  number,
  object,
  openObject,
  optional,
  string,
  where,
  type Read,
  type Reader,
} from './reader.ts';

const receipt = object({ userId: string, readSeq: count });
const skipped = object({ userId: string, reason: string });
const standing = { role: string as Reader<Role>, joinedSeq: seq, mutedUntil: optional(number) };
const group = object({
  title: string,
  avatar: string,
  announcement: string,
  owner: string,
  memberCount: count,
  fanout: string as Reader<'write' | 'read'>,
  policy: openObject({
    invite: string as Reader<GroupPolicy['invite']>,
    post: string as Reader<GroupPolicy['post']>,
    history: string as Reader<GroupPolicy['history']>,
  }),
  mutedAll: boolean,
  createdAt: number,
  me: object(standing),
});

const listed = object({ ...position, last: optional(message, null) });
const listedGroup = object({ title: string, avatar: optional(string, ''), memberCount: count });
const conversation = (value: unknown) => ({
  ...listed(value),
  settings: settings(value),
  group: attempt(listedGroup, value),
});
export type ListedConversation = ReturnType<typeof conversation>;

export const extraAnswers = {
  history: object({
    /** Undefined: not even its place can be read. */
    messages: list((value) => attempt(slot, value)),
    floorSeq: seq,
    headSeq: count,
    end: boolean,
    pending: optional(boolean, false),
  }),
  conversations: object({
    /** Undefined: it cannot be read. */
    conversations: list((value) => attempt(conversation, value)),
    next: optional(string),
  }),
  pending: either(
    reset,
    object({
      total: count,
      conversations: list(
        object({
          conversationId: string,
          unread: count,
          waiting: count,
          lastSeq: count,
          last: (value): Message | null => attempt(message, value) ?? null,
        }),
      ),
      more: boolean,
      head: count,
    }),
  ),
  read: object({ readSeq: count, unread: count }),
  receipts: object({
    readCount: count,
    unreadCount: count,
    read: list(receipt),
    unread: list(receipt),
    next: optional(string),
  }),
  subscribe: object({ heads: where(isObject) }),
  unsubscribe: object({}),
  recall: object({ seq }),
  edit: object({ seq, edited: number }),
  react: object({ reactions }),
  settings,
  search: object({
    /** Undefined: it cannot be read. */
    hits: list((value) => attempt(message, value)),
    next: optional(string),
  }),
  createGroup: object({ conversationId: string, skipped: list(skipped) }),
  group,
  members: object({
    members: list(object({ userId: string, ...standing })),
    next: optional(string),
  }),
  addMembers: object({ added: list(string), skipped: list(skipped) }),
  removeMembers: object({ removed: list(string), skipped: list(skipped) }),
  leaveGroup: object({}),
  dismissGroup: object({}),
  updateGroup: group,
  setRole: object({}),
  muteMember: object({ mutedUntil: number }),
  ...peopleAnswers,
  /** Where a file is to be put; `media` is what a message names it by. */
  upload: object({
    url: string,
    headers: where(isObject) as Reader<Readonly<Record<string, string>>>,
    expiresAt: number,
    media: string,
  }),
  download: object({ url: string, expiresAt: number }),
  device: object({}),
} as const;

const groupPush = object({
  push: literal('group'),
  conversationId: string,
  messages: list((value) => attempt(slot, value)),
  headSeq: seq,
});
const typingPush = object({
  push: literal('typing'),
  conversationId: string,
  from: string,
  stopped: optional(boolean, false),
});
const presencePush = object({
  push: literal('presence'),
  userId: string,
  online: boolean,
  since: number,
});
const openEphemeral = openObject(messageFields);
const ephemeral: Reader<EphemeralMessage> = (value) => tidy(openEphemeral(value));
const ephemeralPush = object({ push: literal('ephemeral'), message: ephemeral });
export const extraPush = either(groupPush, typingPush, presencePush, ephemeralPush);

export type GroupPush = Read<typeof groupPush>;
export type TypingPush = Read<typeof typingPush>;
export type PresencePush = Read<typeof presencePush>;
