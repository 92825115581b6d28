// What the app's own backend asks for: one schema a request of the service API, the path's parameters included.
import * as v from 'valibot';
import { bodyOf } from './client-frames.ts';
import {
  clientMsgIdSchema,
  deviceIdSchema,
  platformSchema,
  targetSchema,
  userIdSchema,
} from './id-schemas.ts';
import { serviceLimits } from './limits.ts';
import type { SendableType } from './messages.ts';
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

export type CreateUsersRequest = v.InferOutput<typeof createUsersRequest>;
export type SendMessagesRequest = v.InferOutput<typeof sendMessagesRequest>;
export type KickRequest = v.InferOutput<typeof kickRequest>;
export type UserRequest = v.InferOutput<typeof userRequest>;
