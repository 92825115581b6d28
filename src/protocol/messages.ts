// What a message may hold, by type. Bodies may carry more fields than are named here.
import * as v from 'valibot';
import { clientMsgIdSchema, conversationIdSchema, deviceIdSchema, userIdSchema } from './id-schemas.ts';
import { limits } from './limits.ts';

export const seqSchema = v.pipe(v.number(), v.integer(), v.minValue(1));

/** The users by name, or all of the conversation. */
export const mentionsSchema = v.union(
  [v.literal('all'), v.pipe(v.array(userIdSchema), v.maxLength(limits.mentions))],
  `must be "all" or at most ${limits.mentions} userIds`,
);

const attachment = v.looseObject({
  url: v.pipe(v.string(), v.nonEmpty('must not be empty')),
  name: v.optional(v.string()),
  /** Bytes. */
  size: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
  mime: v.optional(v.string()),
});

/** Bodies that clients may send, by message type. */
export const bodySchemas = {
  text: v.looseObject({ text: v.pipe(v.string(), v.nonEmpty('must not be empty')) }),
  image: attachment,
  voice: attachment,
  video: attachment,
  file: attachment,
  custom: v.looseObject({}),
} as const;

export type SendableType = keyof typeof bodySchemas;
export const sendableTypes = Object.keys(bodySchemas) as [SendableType, ...SendableType[]];

/** `control` messages are made by the server. */
export const messageTypeSchema = v.picklist([...sendableTypes, 'control']);

/** What users answer a message with in one sign. */
export const reactionSchema = v.object({
  emoji: v.string(),
  count: v.pipe(v.number(), v.integer(), v.minValue(1)),
  /** The first of them, by id. */
  users: v.array(userIdSchema),
  /** The reader is one of them. */
  mine: v.boolean(),
});

export const messageSchema = v.object({
  conversationId: conversationIdSchema,
  seq: seqSchema,
  clientMsgId: clientMsgIdSchema,
  /** Milliseconds since the epoch. */
  serverTime: v.number(),
  from: userIdSchema,
  deviceId: deviceIdSchema,
  type: messageTypeSchema,
  body: v.looseObject({}),
  recalled: v.boolean(),
  /** When it was edited, in milliseconds since the epoch. */
  edited: v.nullable(v.number()),
  /** Not counted as unread and never notified. */
  silent: v.boolean(),
  /** The message that it answers. */
  replyTo: v.optional(seqSchema),
  /** Users that it is for, above all. */
  mentions: v.optional(mentionsSchema),
  reactions: v.optional(v.array(reactionSchema)),
});

/** A slot that will never hold a message. */
export const voidSlotSchema = v.object({
  conversationId: conversationIdSchema,
  seq: seqSchema,
  void: v.literal(true),
});

export const slotSchema = v.union([voidSlotSchema, messageSchema]);

export type Reaction = v.InferOutput<typeof reactionSchema>;
export type Message = v.InferOutput<typeof messageSchema>;
export type VoidSlot = v.InferOutput<typeof voidSlotSchema>;
/** What a seq holds, for ever: a message or a void. */
export type Slot = Message | VoidSlot;
