// The story in a world of one process: its time passes as fast as it can be computed.
import type { Random } from '../../../local/faults/random.ts';
import { limits } from '../../../src/protocol/limits.ts';
import type { Stage } from '../stage.ts';
import type { WorldCloud } from './cloud.ts';
import { calm, type WorldFaults } from './faults.ts';

/** The story's time, in the clients': as over the local cloud, where clients are faster. */
const SPEED = 8;
const ID_CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const QUIET_POLL_MS = 50;
/** Longer than mailboxes and devices are kept that say nothing (docs/architecture.md). */
const MONTH_MS = 31 * 86_400_000;
const LONGEST_REQUEST_MS = 60_000;
/** A device's clock is off by so much at most. */
const MAX_SKEW_MS = 120_000;
/** How often it is set, of each time that it is looked at. */
const CLOCK_JUMPS = 0.02;

export function worldStage(cloud: WorldCloud, storm: WorldFaults, settleMs: number): Stage {
  const { scheduler, gateway } = cloud;
  return {
    url: cloud.url,
    settleMs: settleMs / SPEED,
    // As the seed has it (run.ts), for all that is in this process.
    reactionLimits: { ...limits.reactions },
    issueToken: async (userId) => cloud.issueToken(userId),
    untilEnd: (token) => (cloud.endOf(token) - scheduler.now) / SPEED,
    rage: () => cloud.setFaults(storm),
    calm: () => cloud.setFaults(calm),
    async settled() {
      while (!cloud.isQuiet) await scheduler.wait(QUIET_POLL_MS);
    },
    // In the time of the story.
    notified: () =>
      cloud.notified.map(({ notification, decidedAt }) => ({ notification, decidedAt: decidedAt / SPEED })),
    elapse: (minutes) => scheduler.wait(minutes * 60_000),
    poison: (conversationId) => cloud.poison(conversationId),
    poisonSeen: () => cloud.poisonSeen,
    strike: (action, blow) => cloud.strike(action, blow),
    async monthLater() {
      await scheduler.wait(MONTH_MS);
      cloud.model.expire();
    },
    async setUpAnew() {
      // What is carried out when nobody waits for it any more, old tables had to bear.
      await scheduler.wait(LONGEST_REQUEST_MS);
      cloud.setUpAnew();
    },
    now: () => scheduler.now / SPEED,
    wait: (ms) => scheduler.wait(ms * SPEED),
    environment(random) {
      const drawSkew = () => random.between(-MAX_SKEW_MS, MAX_SKEW_MS);
      let skewMs = drawSkew();
      return {
        now() {
          if (random.next() < CLOCK_JUMPS) skewMs = drawSkew();
          return Math.floor(scheduler.now + skewMs);
        },
        newId: () => newId(random),
        setTimer: (callback, delayMs) => scheduler.after(delayMs, callback),
      };
    },
    sockets: (onSocket) => gateway.socketsFor(onSocket),
  };
}

function newId(random: Random): string {
  return Array.from({ length: 22 }, () => ID_CHARACTERS[random.integer(0, 63)]).join('');
}
