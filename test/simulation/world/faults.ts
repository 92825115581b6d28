// What goes wrong in a simulated world, and how often. Rates are from 0 to 1, times in milliseconds.
import type { Random } from '../../../local/faults/random.ts';

export interface WorldFaults {
  readonly dynamodb: {
    readonly latencyMs: readonly [number, number];
    readonly throttle: number;
    readonly error: number;
    /** Carried out, but the caller hears nothing of it. */
    readonly lostResponse: number;
    readonly conflict: number;
    /** A request that takes so long that its function runs into its time limit. */
    readonly hang: number;
    /** Of each key of a BatchGet: to be asked for again. */
    readonly unprocessed: number;
  };
  /** How long the tokens are good that are issued now; seconds. */
  readonly tokens: readonly [number, number];
  readonly functions: {
    readonly crashBefore: number;
    readonly crashMidway: number;
    readonly crashAfter: number;
    /** Milliseconds that the clock of an execution environment may be off. */
    readonly skewMs: number;
  };
  readonly stream: {
    readonly delayMs: readonly [number, number];
    readonly duplicate: number;
    readonly singly: number;
  };
  /** Of notes for large groups: the queue gives each at least once, late, and in any order. */
  readonly tasks: {
    readonly delayMs: readonly [number, number];
    /** Given out again while it is, or was, worked on. */
    readonly duplicate: number;
    /** Of sending: refused, of several some. */
    readonly error: number;
    /** Taken, but the sender hears nothing of it. */
    readonly lostResponse: number;
  };
  readonly gateway: {
    readonly latencyMs: readonly [number, number];
    readonly dropPush: number;
    readonly duplicatePush: number;
    readonly delayPushMs: readonly [number, number];
    readonly throttlePush: number;
    /** Of each frame from a client. */
    readonly disconnect: number;
    readonly halfOpen: number;
  };
}

const DAY_SECONDS = 86_400;

/** All is well, and as fast as it may be. */
export const calm: WorldFaults = {
  dynamodb: {
    latencyMs: [1, 6],
    throttle: 0,
    error: 0,
    lostResponse: 0,
    conflict: 0,
    hang: 0,
    unprocessed: 0,
  },
  tokens: [DAY_SECONDS, DAY_SECONDS],
  functions: { crashBefore: 0, crashMidway: 0, crashAfter: 0, skewMs: 0 },
  stream: { delayMs: [5, 30], duplicate: 0, singly: 0 },
  tasks: { delayMs: [5, 30], duplicate: 0, error: 0, lostResponse: 0 },
  gateway: {
    latencyMs: [1, 15],
    dropPush: 0,
    duplicatePush: 0,
    delayPushMs: [0, 10],
    throttlePush: 0,
    disconnect: 0,
    halfOpen: 0,
  },
};

/** A few per mille of the requests, or in few storms some of a hundred. */
const hangs = (rate: number) => rate * (rate < 0.9 ? 0.004 : 0.06);

/** A storm of its own for each seed: of some things much, of others nothing. */
export function drawStorm(random: Random): WorldFaults {
  const rate = (most: number) => (random.next() < 0.4 ? 0 : random.next() * most);
  const upTo = (most: number): [number, number] => [0, random.next() * most];
  const storm: Omit<WorldFaults, 'tasks'> = {
    dynamodb: {
      latencyMs: [1, random.between(2, 60)],
      throttle: rate(0.08),
      error: rate(0.04),
      lostResponse: rate(0.05),
      conflict: rate(0.05),
      hang: hangs(rate(1)),
      unprocessed: rate(0.3),
    },
    tokens: random.next() < 0.7 ? calm.tokens : [1, random.between(5, 60)],
    functions: {
      crashBefore: rate(0.02),
      crashMidway: rate(0.05),
      crashAfter: rate(0.02),
      skewMs: rate(40),
    },
    stream: { delayMs: upTo(600), duplicate: rate(0.15), singly: rate(1) },
    gateway: {
      latencyMs: [1, random.between(5, 150)],
      dropPush: rate(0.15),
      duplicatePush: rate(0.06),
      delayPushMs: upTo(500),
      throttlePush: rate(0.05),
      disconnect: rate(0.02),
      halfOpen: rate(0.01),
    },
  };
  const tasks = {
    delayMs: upTo(2_000),
    duplicate: rate(0.2),
    error: rate(0.1),
    lostResponse: rate(0.1),
  };
  return { ...storm, tasks };
}
