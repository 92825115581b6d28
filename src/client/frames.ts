// What the client reads of the server's frames. More forgiving than the server's own schemas: a client of today must
// live with the fields, event kinds and message types of tomorrow.
import * as v from 'valibot';
import { isObject } from '../protocol/body.ts';
import type { ErrorCode } from '../protocol/errors.ts';
import type { Message, Slot, VoidSlot } from '../protocol/messages.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const seq = v.pipe(v.number(), v.integer(), v.minValue(1));

const messageFields = {
  conversationId: v.string(),
  clientMsgId: v.string(),
  serverTime: v.number(),
  from: v.string(),
  deviceId: v.string(),
  type: v.string(),
  // Not an object schema: valibot's copy would lack keys such as `constructor`.
  body: v.custom<Message['body']>(isObject),
  recalled: v.optional(v.boolean(), false),
  edited: v.optional(v.nullable(v.number()), null),
  silent: v.optional(v.boolean(), false),
};
const message = v.looseObject({ ...messageFields, seq });

/** A slot that can't be read is taken as a void: one bad record must not hold up all that follow it. */
const slot = v.pipe(
  v.union([
    v.object({ conversationId: v.string(), seq, void: v.literal(true) }),
    message,
    v.pipe(
      v.object({ conversationId: v.string(), seq }),
      v.transform((place) => ({ ...place, void: true })),
    ),
  ]),
  v.transform((value) => value as Slot),
);

/** An entry of the mailbox; without a slot: of a kind that this client does not know. */
export interface TakenEvent {
  readonly syncSeq: number;
  readonly slot?: Slot;
}

const event = v.union([
  v.pipe(
    v.object({ syncSeq: seq, kind: v.literal('message'), message: slot }),
    v.transform(({ syncSeq, message }): TakenEvent => ({ syncSeq, slot: message })),
  ),
  v.pipe(
    v.looseObject({ syncSeq: seq }),
    v.transform(({ syncSeq }): TakenEvent => ({ syncSeq })),
  ),
]);

/** As in protocol/messages.ts, without the schemas there: a browser need not load them. */
export const isVoid = (value: Slot): value is VoidSlot => 'void' in value;

const mailbox = v.optional(v.string());
const reset = v.object({ reset: v.literal(true), head: count, mailbox });

export const answers = {
  send: v.object({ conversationId: v.string(), seq: v.optional(seq), serverTime: v.number() }),
  sync: v.union([
    reset,
    v.object({ events: v.array(event), next: count, head: count, more: v.boolean(), mailbox }),
  ]),
  pending: v.union([
    reset,
    v.object({
      total: count,
      conversations: v.array(
        v.object({
          conversationId: v.string(),
          unread: count,
          waiting: count,
          lastSeq: count,
          last: v.nullable(slot),
        }),
      ),
      more: v.boolean(),
      head: count,
    }),
  ]),
  history: v.object({
    messages: v.array(slot),
    floorSeq: seq,
    headSeq: count,
    end: v.boolean(),
    pending: v.optional(v.boolean(), false),
  }),
  device: v.object({}),
  ping: v.object({ head: count, serverTime: v.number(), mailbox }),
} as const;

export type RequestAction = keyof typeof answers;
export type AnswerTo<A extends RequestAction> = v.InferOutput<(typeof answers)[A]>;

const refused = v.object({
  id: v.optional(v.string()),
  ok: v.literal(false),
  error: v.object({
    code: v.pipe(
      v.string(),
      v.transform((code) => code as ErrorCode),
    ),
    message: v.string(),
    retryable: v.boolean(),
    retryAfterMs: v.optional(count),
  }),
});
const accepted = v.looseObject({ id: v.string(), ok: v.literal(true) });

const pushes = [
  v.object({ push: v.literal('sync'), from: seq, to: seq, events: v.optional(v.array(event)) }),
  v.object({
    push: v.literal('ephemeral'),
    message: v.pipe(
      v.looseObject(messageFields),
      v.transform((value) => value as unknown as Omit<Message, 'seq'>),
    ),
  }),
  v.object({
    push: v.literal('kicked'),
    reason: v.optional(v.string(), 'replaced'),
    by: v.optional(v.object({ deviceId: v.string(), platform: v.string() })),
  }),
] as const;

/** API Gateway's own words when a function failed: it does not say which request that was. */
const gatewayError = v.object({ message: v.string(), requestId: v.string() });

const frameSchema = v.union([refused, accepted, ...pushes, gatewayError]);
export type ServerFrame = v.InferOutput<typeof frameSchema>;
export type ServerPush = Extract<ServerFrame, { push: string }>;
export type SyncPush = Extract<ServerFrame, { push: 'sync' }>;
export type KickedPush = Extract<ServerFrame, { push: 'kicked' }>;
export type EphemeralMessage = Omit<Message, 'seq'>;

/** `undefined`: nothing that this client knows. */
export function parseFrame(text: unknown): ServerFrame | undefined {
  try {
    const result = v.safeParse(frameSchema, JSON.parse(String(text)));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}

export function parseAnswer<A extends RequestAction>(action: A, frame: unknown): AnswerTo<A> | undefined {
  const result = v.safeParse(answers[action], frame);
  return result.success ? result.output : undefined;
}
