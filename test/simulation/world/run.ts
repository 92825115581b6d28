// One seed in a world of one process. The same seed is the same history, to the byte.
import { createRandom, type Random } from '../../../local/faults/random.ts';
import type { ClientParts } from '../device.ts';
import { limits } from '../../../src/protocol/limits.ts';
import { simulate, type Outcome } from '../simulation.ts';
import type { Size } from '../size.ts';
import { WorldCloud } from './cloud.ts';
import { stormOf } from './kinds.ts';
import type { Server } from './server.ts';
import { worldStage } from './stage.ts';

/** A story takes a few thousand. */
const MAX_TURNS = 300_000;
/** How long readers wait for a hole: so short that senders are often slower, or so long that readers have to wait. */
const SETTLE_MS = [20, 200, 1_000, 3_000] as const;

const wireLimits = { ...limits.reactions };

/** In most worlds so few reactions that stories reach the end of them. */
function limitReactions(random: Random): void {
  const few = { emoji: random.integer(1, 3), reactions: random.integer(2, 4) };
  Object.assign(limits.reactions, random.next() < 0.7 ? few : wireLimits);
}

/** So small that groups of the story cross it, and that what is above it is worked on in parts. */
const groupSettings = (random: Random) => ({
  writeFanoutLimit: 10,
  recipientsPerInvocation: random.next() < 0.7 ? random.integer(2, 6) : 500,
  headsIntervalMs: random.next() < 0.6 ? 1_000 : 30_000,
  notifyDelayMs: random.integer(1, 5_000),
  ackTimeoutMs: random.integer(500, 10_000),
});

export interface WorldRun {
  readonly seed: number;
  readonly parts: ClientParts;
  readonly server: Server;
  readonly size: Size;
  /** Kinds of faults that there are to be, of those of the seed's storm; all unless told. */
  readonly only?: readonly string[] | undefined;
}

/** Rejects when the world stands still, or gets nowhere. */
export async function runWorld({ seed, parts, server, size, only }: WorldRun): Promise<Outcome> {
  limitReactions(createRandom(seed, 'limits'));
  const random = createRandom(seed, 'settings');
  const settleMs = SETTLE_MS[random.integer(0, SETTLE_MS.length - 1)]!;
  const cloud = new WorldCloud({ seed, server, settings: { settleMs, ...groupSettings(random) } });
  const story = simulate({ stage: worldStage(cloud, stormOf(seed, only), settleMs), parts, seed, size });
  return cloud.scheduler.until(story, MAX_TURNS);
}
