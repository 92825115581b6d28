// The plan of faults: what may go wrong, how often, and from which seed.
import * as v from 'valibot';

const rate = v.pipe(v.number(), v.minValue(0, 'must be from 0 to 1'), v.maxValue(1, 'must be from 0 to 1'));
const rangeMs = v.pipe(
  v.tuple([v.pipe(v.number(), v.minValue(0)), v.pipe(v.number(), v.minValue(0))]),
  v.check(([min, max]) => min <= max, 'must be [min, max] with min ≤ max'),
);

const planSchema = v.strictObject({
  seed: v.optional(v.pipe(v.number(), v.integer())),
  dynamodb: v.optional(
    v.strictObject({
      /** The request is refused as throttled. */
      throttle: v.optional(rate),
      /** The request is refused with an internal server error. */
      error: v.optional(rate),
      /** The request is carried out, and its caller sees the network fail. */
      lostResponse: v.optional(rate),
      /** A write or a transaction is refused because of another transaction. */
      conflict: v.optional(rate),
      latencyMs: v.optional(rangeMs),
    }),
  ),
  lambda: v.optional(
    v.strictObject({
      crashBefore: v.optional(rate),
      /** The environment dies after a random one of its DynamoDB requests. */
      crashMidway: v.optional(rate),
      crashAfter: v.optional(rate),
    }),
  ),
  stream: v.optional(
    v.strictObject({
      /** A record that was delivered is delivered once more. */
      duplicate: v.optional(rate),
      /** Records of different items change places; those of one item never do. */
      reorder: v.optional(v.boolean()),
      /** One record a batch and one batch a shard at once, unless false: so what is injected is not a matter of timing. */
      singly: v.optional(v.boolean()),
      /** How long a batch waits. */
      delayMs: v.optional(rangeMs),
    }),
  ),
  gateway: v.optional(
    v.strictObject({
      dropPush: v.optional(rate),
      duplicatePush: v.optional(rate),
      delayPushMs: v.optional(rangeMs),
      throttlePush: v.optional(rate),
      disconnect: v.optional(rate),
      /** The socket looks alive to the gateway; the client hears nothing. */
      halfOpen: v.optional(rate),
      /** What a route answers never reaches the client. */
      lostAnswer: v.optional(rate),
      /** `$disconnect` is invoked some seconds after the end. */
      lateDisconnect: v.optional(rate),
      /** `$disconnect` is not invoked. */
      noDisconnect: v.optional(rate),
    }),
  ),
});

export type FaultPlan = v.InferOutput<typeof planSchema>;

/** @throws Error that names each field that is wrong. */
export function parseFaultPlan(plan: unknown): FaultPlan {
  const result = v.safeParse(planSchema, plan);
  if (result.success) return result.output;
  const problems = result.issues.map((issue) => `${v.getDotPath(issue) ?? 'plan'}: ${issue.message}`);
  throw new Error(`Wrong fault plan. ${problems.join('; ')}`);
}
