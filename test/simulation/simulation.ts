// One run: users with several devices each send, crash and lose the network while the fault plan rages; then the
// storm ends, everybody comes back, and what all of them saw is compared.
import { setTimeout as delay } from 'node:timers/promises';
import type { Cloud } from '../../local/cloud.ts';
import { createRandom, type Random } from '../../local/faults/random.ts';
import { directConversationId, type Platform } from '../../src/protocol/ids.ts';
import { auditor, readMailbox, readTruths } from './auditor.ts';
import { check, type Violation } from './checker.ts';
import { Device, type ClientParts } from './device.ts';
import type { RunHistory } from './history.ts';

export interface SimulationOptions {
  readonly cloud: Cloud;
  readonly parts: ClientParts;
  readonly seed: number;
  readonly sendsPerDevice?: number;
}

export interface Outcome {
  readonly history: RunHistory;
  readonly violations: readonly Violation[];
}

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
  IM_SETTINGS: JSON.stringify({ settleMs, connectGraceMs: 2_000, sendPatienceMs: 8_000 / SPEED }),
});

/** Every kind of fault at once, at the rates that the invariants are proven for. */
export const faultPlan = (seed: number) => ({
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

const USERS = ['ann', 'ben', 'cem'];
const DEVICES: readonly { deviceId: string; platform: Platform }[] = [
  { deviceId: 'phone', platform: 'ios' },
  { deviceId: 'laptop', platform: 'desktop' },
];
/** Nothing that a client waits for takes that long: its longest backoff is 25 s of its own, faster time. */
const STANDSTILL_MS = 20_000;
const POLL_MS = 150;
/** In the storm a device goes on without a connection then. */
const ONLINE_PATIENCE_MS = 1_500;
/** A device that is to die in a commit dies after that long at the latest, should there be none. */
const LATEST_CRASH_MS = 300;

export async function simulate({
  cloud,
  parts,
  seed,
  sendsPerDevice = 8,
}: SimulationOptions): Promise<Outcome> {
  const random = createRandom(seed, 'scenario');
  const users = USERS.map((name) => `${name}-${seed}`);
  const devices = users.flatMap((userId) =>
    DEVICES.map(
      ({ deviceId, platform }) =>
        new Device({
          parts,
          url: cloud.url,
          userId,
          deviceId,
          platform,
          issueToken: (user) => cloud.issueToken(user),
          random: createRandom(seed, `${userId}/${deviceId}`),
          speed: SPEED,
        }),
    ),
  );
  try {
    // A user exists from the first connection on, so that comes before the storm.
    await Promise.all(users.map((userId) => auditor(cloud, userId, async () => {})));
    cloud.setFaults(faultPlan(seed));
    await Promise.all(devices.map((device) => device.start()));
    await Promise.all(
      devices.map((device, index) =>
        live(device, {
          random: createRandom(seed, `life ${index}`),
          peers: users.filter((_, user) => user !== Math.floor(index / DEVICES.length)),
          userId: users[Math.floor(index / DEVICES.length)]!,
          sends: sendsPerDevice,
        }),
      ),
    );
    // A reconnect storm to end with; in some, devices die again while they catch up with what nothing more will follow.
    if (random.next() < 0.5) for (const device of devices) device.cut();
    cloud.clearFaults();
    if (random.next() < 0.5) await Promise.all(devices.map((device) => stumble(device, seed)));
    return await settle(cloud, seed, users, devices);
  } finally {
    cloud.clearFaults();
    await Promise.all(devices.map((device) => device.close()));
  }
}

interface Life {
  readonly random: Random;
  readonly userId: string;
  readonly peers: readonly string[];
  readonly sends: number;
}

async function live(device: Device, { random, userId, peers, sends }: Life): Promise<void> {
  for (let n = 1; n <= sends; n++) {
    if (random.next() < 0.85) await device.online(ONLINE_PATIENCE_MS);
    await delay(random.between(0, 120));
    const peer = peers[random.integer(0, peers.length - 1)]!;
    const conversationId = directConversationId(userId, peer);
    const to = random.next() < 0.5 ? `user:${peer}` : conversationId;
    device.send(to, conversationId, `${n} from ${userId}`, random.next() < 0.15);
    for (const peerId of peers) if (random.next() < 0.7) device.look(directConversationId(userId, peerId));
    const fate = random.next();
    if (fate < 0.08) {
      if (random.next() < 0.5) device.crash();
      else await device.crashInCommit(random.integer(1, 3), LATEST_CRASH_MS);
      await delay(random.between(0, 200));
      await device.start();
    } else if (fate < 0.16) device.cut();
  }
}

async function stumble(device: Device, seed: number): Promise<void> {
  const { userId, deviceId } = device.history;
  const random = createRandom(seed, `end of ${userId}/${deviceId}`);
  for (let crashes = random.integer(1, 4); crashes > 0; crashes--) {
    await device.crashInCommit(random.integer(1, 4), LATEST_CRASH_MS);
    await device.start();
  }
}

/** Until all is as it should be, or nothing moves any more: what is broken then is broken for good. */
async function settle(
  cloud: Cloud,
  seed: number,
  users: readonly string[],
  devices: readonly Device[],
): Promise<Outcome> {
  let lastMove = Date.now();
  let before = '';
  for (;;) {
    await Promise.race([
      Promise.all([cloud.settled(), ...devices.map((device) => device.sync())]),
      delay(STANDSTILL_MS),
    ]);
    const now = JSON.stringify(devices.map((device) => device.progress));
    if (now !== before) lastMove = Date.now();
    before = now;
    const standstill = Date.now() - lastMove >= STANDSTILL_MS;
    if (standstill || devices.every((device) => device.isQuiet)) {
      const history: RunHistory = {
        seed,
        sent: devices.flatMap(({ sent }) => sent),
        devices: devices.map((device) => device.history),
        mailboxes: await Promise.all(users.map((userId) => readMailbox(cloud, userId))),
        truths: (await Promise.all(users.map((userId) => readTruths(cloud, userId, users)))).flat(),
      };
      const violations = check(history);
      if (violations.length === 0 || standstill) return { history, violations };
    }
    await delay(POLL_MS);
  }
}

/** What went wrong, and how to see it again. */
export function report({ history, violations }: Outcome): string {
  const conversations = new Set(
    violations.flatMap(({ what }) =>
      history.truths.map(({ conversationId }) => conversationId).filter((id) => what.includes(id)),
    ),
  );
  return [
    `Seed ${history.seed}: ${violations.length} violations. Again: npm run simulate -- --from ${history.seed} --seeds 1`,
    ...violations.slice(0, 20).map(({ invariant, what }) => `  ${invariant} ${what}`),
    ...history.truths
      .filter(({ conversationId }) => conversations.has(conversationId))
      .map(
        ({ conversationId, userId, slots }) =>
          `  ${conversationId} as ${userId} reads it: ${slots.map((slot) => ('void' in slot ? 'void' : slot.clientMsgId.slice(0, 6))).join(' ')}`,
      ),
    ...history.devices.map(
      ({ userId, deviceId, shown }) =>
        `  ${userId}/${deviceId} showed ${shown
          .map(
            ({ conversationId, seq }) =>
              `${conversationId
                .split(':')
                .slice(1)
                .map((id) => id[0])
                .join('')}${seq}`,
          )
          .join(' ')}`,
    ),
  ].join('\n');
}
