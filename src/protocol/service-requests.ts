// What the app's own backend asks for: one schema a request of the service API, the path's parameters included.
import * as v from 'valibot';
import { bodyOf } from './client-frames.ts';
import {
  clientMsgIdSchema,
  conversationIdSchema,
  deviceIdSchema,
  platformSchema,
  targetSchema,
  userIdSchema,
} from './id-schemas.ts';
import { serviceLimits } from './limits.ts';
import type { SendableType } from './messages.ts';
import { addMembersFrame, createGroupFrame } from './group-frames.ts';
import { groupConversationId, isGroupId } from './ids.ts';
import { profileFrame } from './people-frames.ts';
import { characters, listOf } from './request.ts';

/** As of frames: a bundle has those that it serves. */
const define = /* @__NO_SIDE_EFFECTS__ */ <Schema>(make: () => Schema): Schema => make();

export const createUsersRequest = define(() => {
  const { name, avatar, custom } = profileFrame.entries;
  return v.object({
    users: v.pipe(
      listOf(v.object({ userId: userIdSchema, name, avatar, custom }), serviceLimits.users),
      v.check(
        (users) => new Set(users.map(({ userId }) => userId)).size === users.length,
        'must name each user once',
      ),
    ),
  });
});

const messageTo = <const Type extends SendableType>(type: Type) =>
  v.object({
    /** Whom it is from: any user, or `system`. */
    from: userIdSchema,
    to: listOf(targetSchema, serviceLimits.targets),
    clientMsgId: clientMsgIdSchema,
    type: v.literal(type),
    body: bodyOf(type),
    silent: v.optional(v.boolean(), false),
    /** A hook's own: `afterSend` is not told of it. */
    fromHook: v.optional(v.boolean()),
  });

export const sendMessagesRequest = define(() =>
  v.variant('type', [
    messageTo('text'),
    messageTo('image'),
    messageTo('voice'),
    messageTo('video'),
    messageTo('file'),
    messageTo('custom'),
  ]),
);

const messageOfThen = <const Type extends SendableType>(type: Type) =>
  v.object({
    from: userIdSchema,
    clientMsgId: clientMsgIdSchema,
    type: v.literal(type),
    body: bodyOf(type),
    /** Milliseconds since the epoch. */
    serverTime: v.pipe(v.number(), v.integer(), v.minValue(1)),
  });

export const importRequest = define(() => {
  const message = v.variant('type', [
    messageOfThen('text'),
    messageOfThen('image'),
    messageOfThen('voice'),
    messageOfThen('video'),
    messageOfThen('file'),
    messageOfThen('custom'),
  ]);
  return v.object({
    conversationId: conversationIdSchema,
    messages: v.pipe(
      listOf(message, serviceLimits.imports),
      v.minLength(1, 'must hold at least one'),
      v.check(
        (messages) =>
          messages.every(({ serverTime }, at) => serverTime >= (messages[at - 1]?.serverTime ?? 0)),
        'must ascend in time',
      ),
      v.check((messages) => {
        const names = messages.map(({ from, clientMsgId }) => `${from} ${clientMsgId}`);
        return new Set(names).size === names.length;
      }, 'must name each message once'),
    ),
  });
});

const broadcastOf = <const Type extends SendableType>(type: Type) =>
  v.object({
    /** Idempotency key: the same one names the same broadcast. */
    clientBroadcastId: clientMsgIdSchema,
    from: userIdSchema,
    type: v.literal(type),
    body: bodyOf(type),
    silent: v.optional(v.boolean(), false),
    users: v.optional(listOf(userIdSchema, serviceLimits.broadcast.users), []),
    all: v.optional(v.literal(true)),
    ratePerSecond: v.optional(
      v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(serviceLimits.broadcast.rate.max)),
      serviceLimits.broadcast.rate.default,
    ),
  });

export const createBroadcastRequest = define(() =>
  v.pipe(
    v.variant('type', [
      broadcastOf('text'),
      broadcastOf('image'),
      broadcastOf('voice'),
      broadcastOf('video'),
      broadcastOf('file'),
      broadcastOf('custom'),
    ]),
    v.forward(
      v.check(({ users, all }) => (all === true) !== users.length > 0, 'must name users, or else all: true'),
      ['users'],
    ),
  ),
);

export const broadcastRequest = define(() => v.object({ id: v.pipe(v.string(), v.regex(/^[\w-]{1,40}$/)) }));

export const userRequest = define(() => v.object({ userId: userIdSchema }));

export const kickRequest = define(() =>
  v.object({
    userId: userIdSchema,
    deviceId: v.optional(deviceIdSchema),
    platform: v.optional(platformSchema),
    /** As the device is told it. */
    reason: v.optional(characters(serviceLimits.kickReason.min, serviceLimits.kickReason.max)),
  }),
);

export const banRequest = define(() =>
  v.object({
    userId: userIdSchema,
    /** From now on; 0 ends it. */
    seconds: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(serviceLimits.banSeconds)),
    reason: kickRequest.entries.reason,
  }),
);

/** `g:<id>`, or what stands behind the `g:`. */
const groupSchema = define(() =>
  v.pipe(
    v.string(),
    v.transform((id) => (isGroupId(id) ? id : groupConversationId(id))),
    conversationIdSchema,
  ),
);

/** Whom the backend acts as: one of the group, with their rights; the group's owner unless it says otherwise. */
const actor = define(() => v.optional(userIdSchema));

export const createGroupRequest = define(() => {
  const { action: _, id: __, ...fields } = createGroupFrame.entries;
  return v.object({ owner: userIdSchema, ...fields });
});

export const addGroupMembersRequest = define(() =>
  v.object({ id: groupSchema, owner: actor, users: addMembersFrame.entries.users }),
);

export const removeGroupMemberRequest = define(() =>
  v.object({ id: groupSchema, owner: actor, userId: userIdSchema }),
);

export const dismissGroupRequest = define(() => v.object({ id: groupSchema, owner: actor }));

export type CreateUsersRequest = v.InferOutput<typeof createUsersRequest>;
export type SendMessagesRequest = v.InferOutput<typeof sendMessagesRequest>;
export type KickRequest = v.InferOutput<typeof kickRequest>;
export type BanRequest = v.InferOutput<typeof banRequest>;
export type ImportRequest = v.InferOutput<typeof importRequest>;
export type CreateBroadcastRequest = v.InferOutput<typeof createBroadcastRequest>;
export type BroadcastRequest = v.InferOutput<typeof broadcastRequest>;
export type UserRequest = v.InferOutput<typeof userRequest>;
export type CreateGroupRequest = v.InferOutput<typeof createGroupRequest>;
export type AddGroupMembersRequest = v.InferOutput<typeof addGroupMembersRequest>;
export type RemoveGroupMemberRequest = v.InferOutput<typeof removeGroupMemberRequest>;
export type DismissGroupRequest = v.InferOutput<typeof dismissGroupRequest>;
