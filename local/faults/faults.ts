// Faults on demand. A draw depends on the seed, on what it is for, and on how often that came before: so it does not
// matter what else happens at the same time, and a run that does the same things meets the same faults.
import { parseFaultPlan, type FaultPlan } from './plan.ts';
import { createRandom, type Random } from './random.ts';

export type { FaultPlan };

/** Names what may be struck, e.g. "send GetItem Users/alice/HEAD"; asked for only when there is a plan. */
export type Site = () => string;

export type LambdaFault =
  | { readonly kind: 'none' | 'crashBefore' | 'crashAfter' }
  /** 1: the environment dies after its first request. */
  | { readonly kind: 'crashMidway'; readonly afterRequests: number };

export interface DynamoDbFaults {
  readonly latencyMs: number;
  readonly throttle: boolean;
  readonly error: boolean;
  readonly lostResponse: boolean;
  readonly conflict: boolean;
}

export interface StreamFaults {
  readonly duplicate: boolean;
  readonly reorder: boolean;
  /** The record comes in a batch of its own, after the one before it. */
  readonly singly: boolean;
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

/** What becomes of a `$disconnect`. */
export type DisconnectFault =
  | { readonly kind: 'none' | 'never' }
  | { readonly kind: 'late'; readonly delayMs: number };

/** How many of each fault were injected since the plan was set; empty without a plan. */
export type InjectedFaults = Readonly<Record<string, number>>;

export interface Injection {
  /** E.g. `dynamodb.throttle`. */
  readonly fault: string;
  readonly site: string;
  /** The how manieth time this site was come to. */
  readonly ordinal: number;
}

/** An environment crashes after this many requests at most. */
const maximumRequestsBeforeCrash = 6;
const maximumDisconnectDelayMs = 3_000;
/** What is remembered is bounded, so that a soak test may run for days: the oldest is forgotten. */
const maximumSites = 100_000;
const maximumInjections = 10_000;

export class Faults {
  private current: FaultPlan | undefined;
  private injections: Injection[] = [];
  private readonly counts = new Map<string, number>();
  private readonly ordinals = new Map<string, number>();

  /** @throws Error that names each field that is wrong; the plan before stays in force. */
  set(plan: unknown): void {
    const parsed = parseFaultPlan(plan);
    this.clear();
    this.current = parsed;
  }

  clear(): void {
    this.current = undefined;
    this.injections = [];
    this.counts.clear();
    this.ordinals.clear();
  }

  plan(): FaultPlan | undefined {
    return this.current;
  }

  injected(): InjectedFaults {
    return Object.fromEntries(this.counts);
  }

  /** What was injected where, oldest first; delays are not told, for everything has one. */
  log(): readonly Injection[] {
    return [...this.injections];
  }

  /** Of one request; at most one of throttle, error, lostResponse and conflict. */
  dynamodb(site: Site, conflicts: 'possible' | 'impossible' = 'impossible'): DynamoDbFaults {
    const plan = this.current?.dynamodb;
    if (!plan) return noDynamoDbFaults;
    const draw = this.draw('dynamodb', site);
    const latencyMs = draw.delay(plan.latencyMs);
    const throttle = draw.hit('throttle', plan.throttle);
    const error = !throttle && draw.hit('error', plan.error);
    const lostResponse = !throttle && !error && draw.hit('lostResponse', plan.lostResponse);
    const answered = !throttle && !error && !lostResponse;
    const conflict = answered && conflicts === 'possible' && draw.hit('conflict', plan.conflict);
    return { latencyMs, throttle, error, lostResponse, conflict };
  }

  /** Of one invocation. */
  lambda(site: Site): LambdaFault {
    const plan = this.current?.lambda;
    if (!plan) return noLambdaFault;
    const draw = this.draw('lambda', site);
    if (draw.hit('crashBefore', plan.crashBefore)) return { kind: 'crashBefore' };
    if (draw.hit('crashMidway', plan.crashMidway)) {
      return { kind: 'crashMidway', afterRequests: draw.integer(1, maximumRequestsBeforeCrash) };
    }
    return draw.hit('crashAfter', plan.crashAfter) ? { kind: 'crashAfter' } : noLambdaFault;
  }

  /** Of one record: how batches are cut has no influence. */
  stream(site: Site): StreamFaults {
    if (!this.current) return noStreamFaults;
    const { stream: plan } = this.current;
    if (!plan) return { ...noStreamFaults, singly: true };
    const draw = this.draw('stream', site);
    return {
      delayMs: draw.delay(plan.delayMs),
      duplicate: draw.hit('duplicate', plan.duplicate),
      reorder: plan.reorder === true && draw.hit('reorder', 0.5),
      singly: plan.singly ?? true,
    };
  }

  /** Under a plan a record, or a message, comes in a batch of its own, unless the plan says otherwise. */
  get singly(): boolean {
    return this.current !== undefined && (this.current.stream?.singly ?? true);
  }

  /** Of one frame to a device. */
  push(site: Site): PushFaults {
    const plan = this.current?.gateway;
    if (!plan) return noPushFaults;
    const draw = this.draw('gateway', site);
    return {
      delayMs: draw.delay(plan.delayPushMs),
      drop: draw.hit('dropPush', plan.dropPush),
      duplicate: draw.hit('duplicatePush', plan.duplicatePush),
      throttle: draw.hit('throttlePush', plan.throttlePush),
      disconnect: draw.hit('disconnect', plan.disconnect),
      halfOpen: draw.hit('halfOpen', plan.halfOpen),
    };
  }

  /** Of a route's answer: does it get lost? */
  answerLost(site: Site): boolean {
    const rate = this.current?.gateway?.lostAnswer;
    return rate !== undefined && this.draw('gateway', site).hit('lostAnswer', rate);
  }

  /** Of one connection's end. */
  disconnect(site: Site): DisconnectFault {
    const { noDisconnect, lateDisconnect } = this.current?.gateway ?? {};
    if (noDisconnect === undefined && lateDisconnect === undefined) return noDisconnectFault;
    const draw = this.draw('gateway', site);
    if (draw.hit('noDisconnect', noDisconnect)) return { kind: 'never' };
    if (!draw.hit('lateDisconnect', lateDisconnect)) return noDisconnectFault;
    return { kind: 'late', delayMs: draw.integer(1, maximumDisconnectDelayMs) };
  }

  private draw(kind: string, siteOf: Site): Draw {
    const site = siteOf();
    const ordinal = this.ordinalOf(`${kind} ${site}`);
    const random = createRandom(this.current?.seed ?? 0, `${kind} ${site} ${ordinal}`);
    return {
      delay: (range) => (range ? random.between(range[0], range[1]) : 0),
      integer: (from, to) => random.integer(from, to),
      hit: (name, probability = 0) => {
        if (random.next() >= probability) return false;
        this.note({ fault: `${kind}.${name}`, site, ordinal });
        return true;
      },
    };
  }

  /** 1, 2, 3 … for each name. */
  private ordinalOf(name: string): number {
    const ordinal = (this.ordinals.get(name) ?? 0) + 1;
    this.ordinals.delete(name);
    this.ordinals.set(name, ordinal);
    if (this.ordinals.size > maximumSites) this.ordinals.delete(this.ordinals.keys().next().value!);
    return ordinal;
  }

  private note(injection: Injection): void {
    const { fault } = injection;
    this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1);
    this.injections.push(injection);
    if (this.injections.length > maximumInjections) this.injections.shift();
  }
}

interface Draw {
  readonly delay: (range: readonly [number, number] | undefined) => number;
  readonly hit: (name: string, probability: number | undefined) => boolean;
  readonly integer: Random['integer'];
}

const noLambdaFault: LambdaFault = { kind: 'none' };
const noDynamoDbFaults: DynamoDbFaults = {
  latencyMs: 0,
  throttle: false,
  error: false,
  lostResponse: false,
  conflict: false,
};
const noDisconnectFault: DisconnectFault = { kind: 'none' };
const noStreamFaults: StreamFaults = { duplicate: false, reorder: false, singly: false, delayMs: 0 };
const noPushFaults: PushFaults = {
  drop: false,
  duplicate: false,
  delayMs: 0,
  throttle: false,
  disconnect: false,
  halfOpen: false,
};
