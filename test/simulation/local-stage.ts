// The story over the real local cloud: real sockets, threads and timers, at the rates that the invariants are proven for.
import { setTimeout as delay } from 'node:timers/promises';
import type { Cloud } from '../../local/cloud.ts';
import { standardEnvironment, type WebSocketConstructor } from '../../src/client/environment.ts';
import { NodeWebSocket } from '../../src/client/node.ts';
import type { Stage, StageSocket } from './stage.ts';

/** Clients' time passes so much faster. */
const SPEED = 8;

/** So many seeds in a row have the same settings. */
const SEEDS_PER_SETTLING = 5;

/**
 * How long readers wait for a hole: by turns so short that senders are often slower, and so long that readers meet holes
 * that they have to wait for.
 */
export const settleMsOf = (seed: number) =>
  Math.floor((seed - 1) / SEEDS_PER_SETTLING) % 2 === 0 ? 20 : 1_000;

/** Settings of the functions in a simulation. */
export const simulationEnvironment = (settleMs: number) => ({
  IM_SETTINGS: JSON.stringify({
    settleMs,
    connectGraceMs: 2_000,
    sendPatienceMs: 8_000 / SPEED,
    // So small that groups of the story cross it. Parts go through the queue in the world alone: here one that somebody
    // died over comes back after a minute, which each seed would wait for.
    writeFanoutLimit: 10,
  }),
});

/** Every kind of fault at once. */
const faultPlan = (seed: number) => ({
  seed,
  dynamodb: { throttle: 0.05, error: 0.02, lostResponse: 0.02, latencyMs: [0, 20] },
  lambda: { crashBefore: 0.01, crashMidway: 0.02, crashAfter: 0.01 },
  stream: { singly: false, duplicate: 0.05, reorder: true, delayMs: [0, 300] },
  gateway: {
    dropPush: 0.05,
    duplicatePush: 0.02,
    delayPushMs: [0, 200],
    throttlePush: 0.02,
    disconnect: 0.01,
    halfOpen: 0.005,
  },
});

export function localStage(cloud: Cloud, seed: number): Stage {
  return {
    url: cloud.url,
    issueToken: (userId) => cloud.issueToken(userId),
    rage: () => cloud.setFaults(faultPlan(seed)),
    calm: () => cloud.clearFaults(),
    settled: () => cloud.settled({ delayed: true }),
    now: () => Date.now(),
    wait: (ms) => delay(ms),
    environment: () => ({
      now: standardEnvironment.now,
      newId: standardEnvironment.newId,
      setTimer: (callback, delayMs) => standardEnvironment.setTimer(callback, delayMs / SPEED),
    }),
    sockets: (onSocket) => sockets(onSocket),
  };
}

function sockets(onSocket: (socket: StageSocket) => void): WebSocketConstructor {
  return class extends NodeWebSocket implements StageSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      onSocket(this);
    }

    forsake(): void {
      this.removeAllListeners();
      this.on('error', () => {});
      this.terminate();
    }
  };
}
