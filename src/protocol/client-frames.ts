// What clients send: one schema an action, the protocol upwards at a glance.
import * as v from 'valibot';
import { bodyFault, ILL_FORMED, isObject, isWellFormed } from './body.ts';
import { clientMsgIdSchema, conversationIdSchema, targetSchema } from './ids.ts';
import { limits } from './limits.ts';
import { bodySchemas, seqSchema, type SendableType } from './messages.ts';

const requestIdSchema = v.pipe(
  v.string(),
  v.nonEmpty('must not be empty'),
  v.maxLength(limits.requestId, `must have at most ${limits.requestId} characters`),
);

/** A syncSeq that a device has taken; 0 = nothing yet. */
const cursorSchema = v.pipe(v.number(), v.integer(), v.minValue(0));

const pageSize = (limit: { max: number; default: number }) =>
  v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(limit.max)), limit.default);

const request = <const Name extends string, Fields extends v.ObjectEntries>(action: Name, fields: Fields) =>
  v.object({ action: v.literal(action), id: requestIdSchema, ...fields });

/** Hands on the very body that came: what valibot copies lacks keys such as `constructor`. */
const bodyOf = <const Type extends SendableType>(type: Type) =>
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
    /** Acknowledges on the way. */
    cursor: v.optional(cursorSchema),
  });

export const clientFrames = {
  send: v.variant('type', [
    message('text'),
    message('image'),
    message('voice'),
    message('video'),
    message('file'),
    message('custom'),
  ]),
  sync: request('sync', {
    /** Default: the device's stored cursor. */
    after: v.optional(cursorSchema),
    limit: pageSize(limits.syncEvents),
  }),
  ack: v.object({ action: v.literal('ack'), id: v.optional(requestIdSchema), cursor: cursorSchema }),
  pending: request('pending', { after: v.optional(cursorSchema) }),
  history: v.pipe(
    request('history', {
      conversationId: conversationIdSchema,
      before: v.optional(seqSchema),
      after: v.optional(cursorSchema),
      limit: pageSize(limits.historyMessages),
    }),
    v.forward(
      v.check(
        ({ before, after }) => before === undefined || after === undefined,
        'give before or after, not both',
      ),
      ['before'],
    ),
  ),
  read: request('read', { conversationId: conversationIdSchema, seq: seqSchema }),
  positions: request('positions', {
    conversationIds: v.pipe(
      v.array(conversationIdSchema),
      v.maxLength(limits.positions, `must hold at most ${limits.positions} ids`),
    ),
  }),
  receipts: request('receipts', {
    conversationId: conversationIdSchema,
    seq: seqSchema,
    cursor: v.optional(v.string()),
    limit: pageSize(limits.receipts),
  }),
  device: request('device', {
    pushToken: v.optional(
      v.pipe(
        v.string(),
        v.nonEmpty(),
        v.maxLength(limits.pushToken),
        v.check(isWellFormed, ILL_FORMED),
        v.check(
          (token) => new TextEncoder().encode(token).length <= limits.pushToken,
          `must have at most ${limits.pushToken} bytes`,
        ),
      ),
    ),
    provider: v.optional(v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,32}$/))),
    remove: v.optional(v.boolean(), false),
  }),
  ping: request('ping', { cursor: v.optional(cursorSchema) }),
} as const;

export type Action = keyof typeof clientFrames;
export type ClientFrame<A extends Action = Action> = v.InferOutput<(typeof clientFrames)[A]>;
