// What clients send: one schema an action, the protocol upwards at a glance.
import * as v from 'valibot';
import { bodyFault, isObject } from './body.ts';
import { groupFrames } from './group-frames.ts';
import { clientMsgIdSchema, conversationIdSchema, targetSchema, userIdSchema } from './id-schemas.ts';
import { limits, searchLimits } from './limits.ts';
import { mediaFrames } from './media-frames.ts';
import { bodySchemas, mentionsSchema, seqSchema, type SendableType } from './messages.ts';
import { peopleFrames, presenceFrames, typingFrame } from './people-frames.ts';

import { characters, listOf, pageSize, request, requestIdSchema, storedText } from './request.ts';
/** A syncSeq that a device has taken; 0 = nothing yet. */
const cursorSchema = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Hands on the very body that came: what valibot copies lacks keys such as `constructor`. */
export const bodyOf = <const Type extends SendableType>(type: Type) =>
  v.pipe(
    v.custom<v.InferOutput<(typeof bodySchemas)[Type]>>(isObject, 'must be an object'),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const fault = bodyFault(dataset.value);
      if (fault) return addIssue({ message: fault });
      const { issues = [] } = v.safeParse(bodySchemas[type], dataset.value, { abortEarly: true });
      for (const { message, expected, received, path } of issues) {
        addIssue({ message, received, path, ...(expected && { expected }) });
      }
    }),
  );

const message = <const Type extends SendableType>(type: Type) =>
  request('send', {
    to: targetSchema,
    clientMsgId: clientMsgIdSchema,
    type: v.literal(type),
    body: bodyOf(type),
    silent: v.optional(v.boolean(), false),
    /** Pushed to who is online; never stored or numbered. */
    ephemeral: v.optional(v.boolean(), false),
    /** The message that it answers: one that the sender may see. */
    replyTo: v.optional(seqSchema),
    mentions: v.optional(mentionsSchema),
    /** Acknowledges on the way. */
    cursor: v.optional(cursorSchema),
  });

/** For a bundle to hold no frames but those that it serves: esbuild leaves out what is made like this, in this file, and not used. */
const define = /* @__NO_SIDE_EFFECTS__ */ <Schema>(make: () => Schema): Schema => make();

export const sendFrame = define(() =>
  v.variant('type', [
    message('text'),
    message('image'),
    message('voice'),
    message('video'),
    message('file'),
    message('custom'),
  ]),
);

export const syncFrame = define(() =>
  request('sync', {
    /** Default: the device's stored cursor. */
    after: v.optional(cursorSchema),
    limit: pageSize(limits.syncEvents),
  }),
);

export const ackFrame = define(() =>
  v.object({
    action: v.literal('ack'),
    id: v.optional(requestIdSchema),
    cursor: cursorSchema,
  }),
);

export const pendingFrame = define(() => request('pending', { after: v.optional(cursorSchema) }));

export const historyFrame = define(() =>
  v.pipe(
    request('history', {
      conversationId: conversationIdSchema,
      before: v.optional(seqSchema),
      after: v.optional(cursorSchema),
      /** Milliseconds since the epoch: half the page before that time, half from it on. */
      around: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
      limit: pageSize(limits.historyMessages),
    }),
    v.forward(
      v.check(
        ({ before, after, around }) =>
          [before, after, around].filter((given) => given !== undefined).length <= 1,
        'give only one of before, after and around',
      ),
      ['before'],
    ),
  ),
);

export const readFrame = define(() =>
  request('read', { conversationId: conversationIdSchema, seq: seqSchema }),
);

export const positionsFrame = define(() =>
  request('positions', {
    conversationIds: listOf(conversationIdSchema, limits.positions),
  }),
);

export const receiptsFrame = define(() =>
  request('receipts', {
    conversationId: conversationIdSchema,
    seq: seqSchema,
    cursor: v.optional(v.string()),
    limit: pageSize(limits.receipts),
  }),
);

export const recallFrame = define(() =>
  request('recall', { conversationId: conversationIdSchema, seq: seqSchema }),
);

export const editFrame = define(() =>
  request('edit', {
    conversationId: conversationIdSchema,
    seq: seqSchema,
    clientMsgId: clientMsgIdSchema,
    /** As the message's type wants it. */
    body: bodyOf('custom'),
  }),
);

export const reactFrame = define(() =>
  request('react', {
    conversationId: conversationIdSchema,
    seq: seqSchema,
    emoji: characters(limits.emoji.min, limits.emoji.max),
    remove: v.optional(v.boolean(), false),
  }),
);

export const conversationsFrame = define(() =>
  request('conversations', {
    cursor: v.optional(v.string()),
    limit: pageSize(limits.conversations),
    /** Those that are hidden, instead of the others. */
    hidden: v.optional(v.boolean(), false),
  }),
);

export const unreadFrame = define(() => request('unread', {}));

export const settingsFrame = define(() =>
  request('settings', {
    conversationId: conversationIdSchema,
    pinned: v.optional(v.boolean()),
    muted: v.optional(v.boolean()),
    /** Until the next message. */
    hidden: v.optional(v.boolean()),
    /** Clears everything up to here, for this user alone; it only moves forward. */
    clearedSeq: v.optional(cursorSchema),
    /** `""` clears it. */
    draft: v.optional(storedText(limits.draft)),
  }),
);

export const searchFrame = define(() =>
  request('search', {
    query: characters(searchLimits.query.min, searchLimits.query.max),
    /** Default: all of the caller's. */
    conversationId: v.optional(conversationIdSchema),
    /** Only messages of this user. */
    from: v.optional(userIdSchema),
    cursor: v.optional(v.pipe(v.string(), v.maxLength(searchLimits.cursor))),
    limit: pageSize(searchLimits.hits),
  }),
);

export const deviceFrame = define(() =>
  request('device', {
    pushToken: v.optional(v.pipe(storedText(limits.pushToken), v.nonEmpty())),
    provider: v.optional(v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,32}$/))),
    remove: v.optional(v.boolean(), false),
  }),
);

export const pingFrame = define(() => request('ping', { cursor: v.optional(cursorSchema) }));

export const clientFrames = define(() => ({
  send: sendFrame,
  sync: syncFrame,
  ack: ackFrame,
  pending: pendingFrame,
  history: historyFrame,
  read: readFrame,
  positions: positionsFrame,
  receipts: receiptsFrame,
  recall: recallFrame,
  edit: editFrame,
  react: reactFrame,
  conversations: conversationsFrame,
  unread: unreadFrame,
  settings: settingsFrame,
  search: searchFrame,
  device: deviceFrame,
  ping: pingFrame,
  ...groupFrames,
  typing: typingFrame,
  ...peopleFrames,
  ...mediaFrames,
  ...presenceFrames,
}));

export type Action = keyof typeof clientFrames;
export type ClientFrame<A extends Action = Action> = v.InferOutput<(typeof clientFrames)[A]>;
