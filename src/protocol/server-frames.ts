// What the server sends: answers and pushes, the protocol downwards at a glance.
import * as v from 'valibot';
import type { Action } from './client-frames.ts';
import { errorCodes } from './errors.ts';
import { conversationIdSchema, deviceIdSchema, platformSchema, userIdSchema } from './id-schemas.ts';
import { messageSchema, reactionSchema, seqSchema, slotSchema } from './messages.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
/** Milliseconds since the epoch. */
const timestamp = v.number();

/** A user's own view of a conversation. */
export const settingsSchema = v.object({
  pinned: v.boolean(),
  muted: v.boolean(),
  /** Until the next message. */
  hidden: v.boolean(),
  /** Everything up to here is cleared, for this user alone. */
  clearedSeq: count,
  draft: v.string(),
});

export const conversationChangeSchema = v.picklist([
  'settings',
  'joined',
  'left',
  'removed',
  'dismissed',
  'heads',
]);

/** Somebody that a user keeps, for themselves alone. */
export const contactSchema = v.object({
  userId: userIdSchema,
  alias: v.optional(v.string()),
  starred: v.boolean(),
  since: timestamp,
});

/** An entry of the user's sync timeline. */
export const syncEventSchema = v.variant('kind', [
  v.object({
    syncSeq: seqSchema,
    kind: v.literal('message'),
    message: slotSchema,
    /** With a control message about another message: that one, as it is now. */
    target: v.optional(slotSchema),
  }),
  v.object({
    syncSeq: seqSchema,
    kind: v.literal('conversation'),
    conversationId: conversationIdSchema,
    change: conversationChangeSchema,
    /** As they are at the moment of reading. */
    settings: v.optional(settingsSchema),
  }),
  v.object({
    syncSeq: seqSchema,
    kind: v.literal('contact'),
    userId: userIdSchema,
    /** As it is at the moment of reading; none: it was removed. */
    contact: v.optional(contactSchema),
  }),
]);

export const errorSchema = v.object({
  code: v.picklist(errorCodes),
  message: v.string(),
  retryable: v.boolean(),
  retryAfterMs: v.optional(count),
});

/** Instead of any answer. The id is missing if the request had none. */
export const refusedFrame = v.object({
  id: v.optional(v.string()),
  ok: v.literal(false),
  error: errorSchema,
});

const answer = <Fields extends v.ObjectEntries>(fields: Fields) =>
  v.object({ id: v.string(), ok: v.literal(true), ...fields });

/** The cursor is older than what the mailbox keeps, or beyond its head: start again from `conversations`. */
const reset = { reset: v.literal(true), head: count };
/** The name of this very mailbox: another one than before means that what a client has stored belongs to nothing. */
const mailbox = v.string();

export const waitingConversationSchema = v.object({
  conversationId: conversationIdSchema,
  /** Exact, over the whole conversation. */
  unread: count,
  /** Messages of others among what waits after the cursor. */
  waiting: count,
  lastSeq: count,
  last: v.nullable(slotSchema),
});

export const conversationSchema = v.object({
  conversationId: conversationIdSchema,
  kind: v.picklist(['direct', 'group']),
  /** In direct conversations. */
  peer: v.optional(userIdSchema),
  /** Of groups. */
  title: v.optional(v.string()),
  avatar: v.optional(v.string()),
  memberCount: v.optional(count),
  lastSeq: count,
  /** The newest message that this user may see, and that is not recalled. */
  last: v.nullable(messageSchema),
  /** Exact, over the whole conversation. */
  unread: count,
  readSeq: count,
  /** In direct conversations. */
  peerReadSeq: v.optional(count),
  floorSeq: seqSchema,
  ...settingsSchema.entries,
});

/** A member other than the author, and how far they have read. */
const receiptSchema = v.object({ userId: userIdSchema, readSeq: count });

export const roleSchema = v.picklist(['owner', 'admin', 'member']);

export const groupPolicySchema = v.object({
  /** Who may add members, and who may write. */
  invite: v.picklist(['members', 'admins']),
  post: v.picklist(['members', 'admins']),
  /** What a newcomer may read. */
  history: v.picklist(['joined', 'all']),
});

const standing = {
  role: roleSchema,
  joinedSeq: seqSchema,
  mutedUntil: v.optional(timestamp),
};

const group = {
  title: v.string(),
  /** `""`: none. */
  avatar: v.string(),
  announcement: v.string(),
  owner: userIdSchema,
  memberCount: count,
  /** Where messages go: to each member's mailbox, or to who subscribes. */
  fanout: v.picklist(['write', 'read']),
  policy: groupPolicySchema,
  mutedAll: v.boolean(),
  createdAt: timestamp,
  me: v.object(standing),
};

export const preferencesSchema = v.object({
  presence: v.boolean(),
  receipts: v.boolean(),
  previews: v.boolean(),
  /** Only where it is so: muted conversations are silent also when they mention this user. */
  mentions: v.optional(v.literal(false)),
});

export const profileSchema = v.object({
  userId: userIdSchema,
  /** The userId, of who has not said otherwise. */
  name: v.string(),
  /** `""`: none. */
  avatar: v.string(),
  custom: v.record(v.string(), v.unknown()),
  /** How often it was changed; 0: never. */
  version: count,
});

const presenceSchema = v.object({
  userId: userIdSchema,
  online: v.boolean(),
  /** Those that the user is connected with, each once, in alphabetical order. */
  platforms: v.array(platformSchema),
  /** Of who is not online, where it is known and may be. */
  lastSeen: v.optional(timestamp),
});

const notAdded = v.object({
  userId: userIdSchema,
  reason: v.picklist(['member', 'user_not_found', 'full', 'blocked']),
});
const notRemoved = v.object({ userId: userIdSchema, reason: v.picklist(['not_member', 'forbidden']) });

/** The answer to each action; `refusedFrame` may come instead of any. */
export const responseFrames = {
  send: answer({
    conversationId: conversationIdSchema,
    /** Absent for an ephemeral message. */
    seq: v.optional(seqSchema),
    serverTime: timestamp,
    duplicate: v.optional(v.literal(true)),
  }),
  sync: v.union([
    answer({ ...reset, mailbox }),
    answer({ events: v.array(syncEventSchema), next: count, head: count, more: v.boolean(), mailbox }),
  ]),
  pending: v.union([
    answer(reset),
    answer({
      /** Messages of others after the cursor. */
      total: count,
      conversations: v.array(waitingConversationSchema),
      /** There are more conversations than these. */
      more: v.boolean(),
      head: count,
      cursor: count,
    }),
  ]),
  history: answer({
    messages: v.array(slotSchema),
    floorSeq: seqSchema,
    headSeq: count,
    end: v.boolean(),
    /** The page ends before a slot that is not settled: ask again shortly. */
    pending: v.optional(v.literal(true)),
  }),
  read: answer({ readSeq: count, unread: count }),
  positions: answer({
    positions: v.array(
      v.object({
        conversationId: conversationIdSchema,
        readSeq: count,
        /** Exact, over the whole conversation. */
        unread: count,
        /** In direct conversations. */
        peerReadSeq: v.optional(count),
        lastSeq: count,
      }),
    ),
  }),
  receipts: answer({
    readCount: count,
    unreadCount: count,
    read: v.array(receiptSchema),
    unread: v.array(receiptSchema),
    next: v.optional(v.string()),
  }),
  recall: answer({
    /** Of the control message that tells of it. */
    seq: seqSchema,
  }),
  edit: answer({ seq: seqSchema, edited: timestamp }),
  react: answer({ reactions: v.array(reactionSchema) }),
  conversations: answer({ conversations: v.array(conversationSchema), next: v.optional(v.string()) }),
  unread: answer({
    /** Without those of muted conversations. */
    total: count,
    muted: count,
    /** Of all conversations; false where there are very many. */
    complete: v.boolean(),
  }),
  settings: answer(settingsSchema.entries),
  search: answer({
    /** Newest first. */
    hits: v.array(messageSchema),
    /** Go on looking from there. */
    next: v.optional(v.string()),
    /** Messages looked at. */
    scanned: count,
  }),
  device: answer({}),
  ping: answer({ head: count, serverTime: timestamp, mailbox }),
  createGroup: answer({
    conversationId: conversationIdSchema,
    /** Users that are not in it. */
    skipped: v.array(notAdded),
    duplicate: v.optional(v.literal(true)),
  }),
  group: answer(group),
  members: answer({
    members: v.array(v.object({ userId: userIdSchema, ...standing })),
    next: v.optional(v.string()),
  }),
  addMembers: answer({ added: v.array(userIdSchema), skipped: v.array(notAdded) }),
  removeMembers: answer({ removed: v.array(userIdSchema), skipped: v.array(notRemoved) }),
  leaveGroup: answer({}),
  dismissGroup: answer({}),
  updateGroup: answer(group),
  setRole: answer({}),
  muteMember: answer({
    /** 0: not muted. */
    mutedUntil: timestamp,
  }),
  subscribe: answer({
    /** The newest number of each that the user is in. */
    heads: v.record(v.string(), count),
  }),
  unsubscribe: answer({}),
  typing: answer({}),
  preferences: answer(preferencesSchema.entries),
  profile: answer(profileSchema.entries),
  profiles: answer({ users: v.array(profileSchema) }),
  contact: v.union([answer(contactSchema.entries), answer({})]),
  contacts: answer({ contacts: v.array(contactSchema), next: v.optional(v.string()) }),
  presence: answer({ users: v.array(presenceSchema) }),
  watchPresence: answer({ users: v.array(presenceSchema) }),
  unwatchPresence: answer({}),
  block: answer({}),
  unblock: answer({}),
  blocked: answer({ users: v.array(userIdSchema), next: v.optional(v.string()) }),
  upload: answer({
    method: v.literal('PUT'),
    url: v.string(),
    headers: v.record(v.string(), v.string()),
    expiresAt: timestamp,
    media: v.string(),
  }),
  download: answer({ url: v.string(), expiresAt: timestamp }),
} as const satisfies Record<Exclude<Action, 'ack'>, v.GenericSchema>;

export const pushFrames = {
  /** An extent of the mailbox, both ends included; no `events`: they did not fit the frame, pull them. */
  sync: v.object({
    push: v.literal('sync'),
    from: seqSchema,
    to: seqSchema,
    events: v.optional(v.array(syncEventSchema)),
  }),
  /** A position moved: one's own, on another device, or the peer's. It can be lost: ask `positions`. */
  read: v.object({
    push: v.literal('read'),
    conversationId: conversationIdSchema,
    userId: userIdSchema,
    readSeq: seqSchema,
  }),
  /** New messages of a large group that this connection subscribes to. */
  group: v.object({
    push: v.literal('group'),
    conversationId: conversationIdSchema,
    messages: v.array(slotSchema),
    /** The newest number that this push knows of: messages that did not fit the frame are missing from it. */
    headSeq: seqSchema,
  }),
  ephemeral: v.object({
    push: v.literal('ephemeral'),
    message: v.omit(messageSchema, ['seq']),
  }),
  /** Somebody types, or does no more; nothing is stored of it, and nothing says that they stopped if that is lost. */
  typing: v.object({
    push: v.literal('typing'),
    conversationId: conversationIdSchema,
    from: userIdSchema,
    stopped: v.optional(v.literal(true)),
  }),
  /** Somebody whom this connection watches came, or went. */
  presence: v.object({
    push: v.literal('presence'),
    userId: userIdSchema,
    online: v.boolean(),
    since: timestamp,
  }),
  kicked: v.object({
    push: v.literal('kicked'),
    /** `replaced`, by whom; or why the app's own backend ended it. */
    reason: v.string(),
    by: v.optional(v.object({ deviceId: deviceIdSchema, platform: platformSchema })),
  }),
} as const;

export type Conversation = v.InferOutput<typeof conversationSchema>;
export type ConversationSettings = v.InferOutput<typeof settingsSchema>;
export type ConversationChange = v.InferOutput<typeof conversationChangeSchema>;
export type SyncEvent = v.InferOutput<typeof syncEventSchema>;
export type SyncedMessage = Extract<SyncEvent, { kind: 'message' }>;
export type WaitingConversation = v.InferOutput<typeof waitingConversationSchema>;
export type Contact = v.InferOutput<typeof contactSchema>;
export type Presence = v.InferOutput<typeof presenceSchema>;
export type Preferences = v.InferOutput<typeof preferencesSchema>;
export type Profile = v.InferOutput<typeof profileSchema>;
export type Role = v.InferOutput<typeof roleSchema>;
export type GroupPolicy = v.InferOutput<typeof groupPolicySchema>;
export type Push = v.InferOutput<(typeof pushFrames)[keyof typeof pushFrames]>;
export type Refused = v.InferOutput<typeof refusedFrame>;
type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;
/** What the domain answers to an action, before the runtime adds the request's id. */
export type Answer<A extends keyof typeof responseFrames> = WithoutId<
  v.InferOutput<(typeof responseFrames)[A]>
>;
