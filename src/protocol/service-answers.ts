// What the service API answers: the status and the schema of each route, by its key.
import * as v from 'valibot';
import { conversationIdSchema, deviceIdSchema, platformSchema, userIdSchema } from './id-schemas.ts';
import { seqSchema } from './messages.ts';
import { errorSchema, responseFrames } from './server-frames.ts';
import type { ServiceRoute } from './service-routes.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
/** Milliseconds since the epoch. */
const timestamp = count;
const list = <const Item extends v.GenericSchema>(item: Item) => v.pipe(v.array(item), v.readonly());

/** What the action of the same kind answers, without what frames have. */
const asFrame = <Fields extends v.ObjectEntries>(frame: v.ObjectSchema<Fields, undefined>) =>
  v.omit(frame, ['id', 'ok'] as never) as unknown as v.ObjectSchema<Omit<Fields, 'id' | 'ok'>, undefined>;

/** To one of several: it has its number, or says why not. */
const resultOf = <Fields extends v.ObjectEntries>(fields: Fields) =>
  v.union([
    v.object({
      ...fields,
      conversationId: conversationIdSchema,
      seq: seqSchema,
      duplicate: v.optional(v.literal(true)),
    }),
    v.object({ ...fields, error: errorSchema }),
  ]);

const answer = <const Status extends number, Fields extends v.ObjectEntries>(
  status: Status,
  fields: Fields,
) => ({ status, schema: v.object(fields) });

const broadcastState = v.object({
  state: v.picklist(['running', 'stopped', 'done']),
  /** Users; of `all`, those that were found so far. */
  total: count,
  sent: count,
  failed: count,
  startedAt: timestamp,
  finishedAt: v.optional(timestamp),
});

export const serviceAnswers = {
  'POST /v1/messages': answer(200, { results: list(resultOf({ to: v.string() })) }),
  'POST /v1/import': answer(200, {
    results: list(resultOf({ to: conversationIdSchema, clientMsgId: v.string() })),
  }),
  'POST /v1/users': answer(200, { created: list(userIdSchema), existing: list(userIdSchema) }),
  'GET /v1/users/{userId}': answer(200, {
    devices: list(
      v.object({
        deviceId: deviceIdSchema,
        platform: v.optional(platformSchema),
        online: v.boolean(),
        lastSeen: v.optional(timestamp),
      }),
    ),
    online: v.boolean(),
    lastSeen: v.nullable(timestamp),
    /** Without those of muted conversations. */
    unread: count,
    /** Of all conversations; false where there are very many. */
    unreadComplete: v.boolean(),
    /** Of a user who is banned now. */
    bannedUntil: v.optional(timestamp),
  }),
  'POST /v1/users/{userId}/kick': answer(200, { kicked: list(deviceIdSchema) }),
  'POST /v1/users/{userId}/ban': answer(200, {
    /** 0: it is ended. */
    until: timestamp,
  }),
  'POST /v1/users/{userId}/revoke': answer(200, {}),
  'DELETE /v1/users/{userId}': answer(202, { erasureId: v.string() }),
  'GET /v1/users/{userId}/export': answer(200, {
    exportId: v.string(),
    state: v.picklist(['running', 'done']),
    startedAt: timestamp,
    finishedAt: v.optional(timestamp),
    /** JSON Lines, in order; none until it is done. */
    files: list(v.object({ url: v.string(), expiresAt: timestamp })),
  }),
  'POST /v1/groups': answer(200, asFrame(responseFrames.createGroup).entries),
  'POST /v1/groups/{id}/members': answer(200, asFrame(responseFrames.addMembers).entries),
  'DELETE /v1/groups/{id}/members/{userId}': answer(200, asFrame(responseFrames.removeMembers).entries),
  'DELETE /v1/groups/{id}': answer(200, {}),
  'POST /v1/broadcasts': answer(202, { broadcastId: v.string() }),
  'GET /v1/broadcasts/{id}': { status: 200, schema: broadcastState },
  'DELETE /v1/broadcasts/{id}': { status: 200, schema: broadcastState },
} as const satisfies Record<ServiceRoute, { status: number; schema: v.GenericSchema }>;

/** An answer that is none of these: with the status of its code. */
export const serviceErrorSchema = v.object({ error: errorSchema });

export type ServiceAnswers = {
  readonly [Route in ServiceRoute]: v.InferOutput<(typeof serviceAnswers)[Route]['schema']>;
};
/** Not 200 of every route. */
export type ServiceStatus<Route extends ServiceRoute> = (typeof serviceAnswers)[Route]['status'];
