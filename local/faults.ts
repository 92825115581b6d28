// Faults on demand: a validated plan, and draws that repeat when the seed does.
import * as v from 'valibot';
import { createRandom, type Random } from './random.ts';

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
      /** A batch that succeeded is delivered once more. */
      duplicate: v.optional(rate),
      /** Records of different items change places; those of one item never do. */
      reorder: v.optional(v.boolean()),
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
    }),
  ),
});

export type FaultPlan = v.InferOutput<typeof planSchema>;
export type LambdaFault = 'none' | 'crashBefore' | 'crashMidway' | 'crashAfter';

export interface DynamoDbFaults {
  readonly latencyMs: number;
  readonly throttle: boolean;
  readonly error: boolean;
  readonly lostResponse: boolean;
}

export interface StreamFaults {
  readonly duplicate: boolean;
  readonly reorder: boolean;
  readonly delayMs: number;
}

export interface PushFaults {
  readonly drop: boolean;
  readonly duplicate: boolean;
  readonly delayMs: number;
  readonly throttle: boolean;
  readonly disconnect: boolean;
  readonly halfOpen: boolean;
}

/** How many of each fault were drawn since the plan was set; empty without a plan. */
export type InjectedFaults = Readonly<Record<string, number>>;

/** Draws of one environment: it crashes after this many requests at most. */
const maximumRequestsBeforeCrash = 6;

/** One sequence of draws per kind of site: how the kinds interleave does not change what each of them draws. */
interface Draws {
  readonly dynamodb: Random;
  readonly lambda: Random;
  readonly crash: Random;
  readonly stream: Random;
  readonly gateway: Random;
}

export class Faults {
  private current: FaultPlan | undefined;
  private draws: Draws = drawsFrom(0);
  private counts = new Map<string, number>();

  /** @throws Error that names each field that is wrong; the plan before stays in force. */
  set(plan: unknown): void {
    const result = v.safeParse(planSchema, plan);
    if (!result.success) {
      const problems = result.issues.map((issue) => `${v.getDotPath(issue) ?? 'plan'}: ${issue.message}`);
      throw new Error(`Wrong fault plan. ${problems.join('; ')}`);
    }
    this.current = result.output;
    this.draws = drawsFrom(result.output.seed ?? 0);
    this.counts = new Map();
  }

  clear(): void {
    this.current = undefined;
    this.counts = new Map();
  }

  plan(): FaultPlan | undefined {
    return this.current;
  }

  injected(): InjectedFaults {
    return Object.fromEntries(this.counts);
  }

  /** Of one request; at most one of throttle, error and lostResponse. */
  dynamodb(): DynamoDbFaults {
    const plan = this.current?.dynamodb;
    if (!plan) return noDynamoDbFaults;
    const random = this.draws.dynamodb;
    const latencyMs = this.delay(random, plan.latencyMs);
    const throttle = this.hit(random, 'dynamodb.throttle', plan.throttle);
    const error = !throttle && this.hit(random, 'dynamodb.error', plan.error);
    const lostResponse = !throttle && !error && this.hit(random, 'dynamodb.lostResponse', plan.lostResponse);
    return { latencyMs, throttle, error, lostResponse };
  }

  /** Of one invocation. */
  lambda(): LambdaFault {
    const plan = this.current?.lambda;
    if (!plan) return 'none';
    const random = this.draws.lambda;
    if (this.hit(random, 'lambda.crashBefore', plan.crashBefore)) return 'crashBefore';
    if (this.hit(random, 'lambda.crashMidway', plan.crashMidway)) return 'crashMidway';
    if (this.hit(random, 'lambda.crashAfter', plan.crashAfter)) return 'crashAfter';
    return 'none';
  }

  /** After which of its requests an environment dies that `lambda` drew `crashMidway` for: 1 is the first. */
  crashMidwayAfterRequests(): number {
    return this.draws.crash.integer(1, maximumRequestsBeforeCrash);
  }

  /** Of one batch. */
  stream(): StreamFaults {
    const plan = this.current?.stream;
    if (!plan) return noStreamFaults;
    const random = this.draws.stream;
    return {
      delayMs: this.delay(random, plan.delayMs),
      duplicate: this.hit(random, 'stream.duplicate', plan.duplicate),
      reorder: plan.reorder === true && this.hit(random, 'stream.reorder', 0.5),
    };
  }

  /** Of one frame to a device. */
  push(): PushFaults {
    const plan = this.current?.gateway;
    if (!plan) return noPushFaults;
    const random = this.draws.gateway;
    return {
      delayMs: this.delay(random, plan.delayPushMs),
      drop: this.hit(random, 'gateway.dropPush', plan.dropPush),
      duplicate: this.hit(random, 'gateway.duplicatePush', plan.duplicatePush),
      throttle: this.hit(random, 'gateway.throttlePush', plan.throttlePush),
      disconnect: this.hit(random, 'gateway.disconnect', plan.disconnect),
      halfOpen: this.hit(random, 'gateway.halfOpen', plan.halfOpen),
    };
  }

  private hit(random: Random, kind: string, probability: number | undefined): boolean {
    if (!probability || random.next() >= probability) return false;
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    return true;
  }

  private delay(random: Random, range: readonly [number, number] | undefined): number {
    return range ? random.between(range[0], range[1]) : 0;
  }
}

function drawsFrom(seed: number): Draws {
  return {
    dynamodb: createRandom(seed, 'dynamodb'),
    lambda: createRandom(seed, 'lambda'),
    crash: createRandom(seed, 'crash'),
    stream: createRandom(seed, 'stream'),
    gateway: createRandom(seed, 'gateway'),
  };
}

const noDynamoDbFaults: DynamoDbFaults = { latencyMs: 0, throttle: false, error: false, lostResponse: false };
const noStreamFaults: StreamFaults = { duplicate: false, reorder: false, delayMs: 0 };
const noPushFaults: PushFaults = {
  drop: false,
  duplicate: false,
  delayMs: 0,
  throttle: false,
  disconnect: false,
  halfOpen: false,
};
