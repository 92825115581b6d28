// One run: users with several devices each (a few of them with a client of their own) send, crash and lose the network while the fault plan rages; then the
// storm ends, everybody comes back, and what all of them saw is compared.
import { createRandom, type Random } from '../../local/faults/random.ts';
import { directConversationId, parseConversationId, peerOf, type Platform } from '../../src/protocol/ids.ts';
import { auditor, readMailbox, readTruths } from './auditor.ts';
import { check, checkLists } from './checker.ts';
import { Device, type ClientParts } from './device.ts';
import type { RunHistory } from './history.ts';
import { PlainClient } from './plain-client.ts';
import type { Failure } from './player.ts';
import type { Stage } from './stage.ts';
import type { Violation } from './violations.ts';

export interface SimulationOptions {
  readonly stage: Stage;
  readonly parts: ClientParts;
  readonly seed: number;
  readonly sendsPerDevice?: number;
}

export interface Outcome {
  readonly history: RunHistory;
  readonly violations: readonly Violation[];
}

const USERS = ['ann', 'ben', 'cem'];
const DEVICES: readonly { deviceId: string; platform: Platform }[] = [
  { deviceId: 'phone', platform: 'ios' },
  { deviceId: 'laptop', platform: 'desktop' },
];
/** Nothing that a client waits for takes that long: its longest backoff is 25 s of its own, faster time. */
const STANDSTILL_MS = 20_000;
const POLL_MS = 150;
/** Between two sends of a device, at most. */
const PAUSE_MS = 120;
/** So many runs go on for more than two hours of the clients' time: they renew from 110 minutes on, up to five later. */
const LONG_RUNS = 0.15;
const MINUTES_TO_RENEWAL = 109;
const EVENING_PAUSE_MS = 30_000;
/** In the storm a device goes on without a connection then. */
const ONLINE_PATIENCE_MS = 1_500;
/** A device that is to die in a commit dies after that long at the latest, should there be none. */
const LATEST_CRASH_MS = 300;

export async function simulate({
  stage,
  parts,
  seed,
  sendsPerDevice = 8,
}: SimulationOptions): Promise<Outcome> {
  const random = createRandom(seed, 'scenario');
  // In some runs nobody waits to be let in: all that was sent is to be caught up with at the end.
  const onlineRate = createRandom(seed, 'mood').next() < 0.5 ? 0.85 : 0;
  const users = USERS.map((name) => `${name}-${seed}`);
  const plainUsers = users.slice(0, drawPlainUsers(createRandom(seed, 'plain')));
  const partsOf = (userId: string, { deviceId, platform }: (typeof DEVICES)[number]) => {
    const random = createRandom(seed, `${userId}/${deviceId}`);
    return { parts, stage, userId, deviceId, platform, random };
  };
  const devices = users.flatMap((userId) =>
    DEVICES.slice(0, plainUsers.includes(userId) ? 1 : undefined).map(
      (device) => new Device(partsOf(userId, device)),
    ),
  );
  const plain = plainUsers.map((userId) => new PlainClient(partsOf(userId, DEVICES[1]!)));
  const peersOf = (userId: string) => users.filter((user) => user !== userId);
  try {
    // A user exists from the first connection on, so that comes before the storm.
    await Promise.all(users.map((userId) => auditor(stage, userId, async () => {})));
    const group = await makeGroup(stage, users, seed);
    const roomsOf = (userId: string) => [
      ...peersOf(userId).map((peer) => directConversationId(userId, peer)),
      group,
    ];
    stage.rage();
    await Promise.all(devices.map((device) => device.start()));
    await Promise.all([
      ...devices.map((device) => {
        const { userId, deviceId } = device.history;
        const random = createRandom(seed, `life of ${userId}/${deviceId}`);
        return live(stage, device, {
          random,
          rooms: roomsOf(userId),
          userId,
          sends: sendsPerDevice,
          onlineRate,
          pauseMs: PAUSE_MS,
        });
      }),
      ...plain.map((client) => {
        const { userId, deviceId } = client.history;
        const random = createRandom(seed, `life of ${userId}/${deviceId}`);
        return livePlainly(stage, client, { random, peers: peersOf(userId), userId, sends: sendsPerDevice });
      }),
    ]);
    if (stage.elapse && createRandom(seed, 'evening').next() < LONG_RUNS) {
      // Connections come to their two hours while there is little to say, and what is idle is ended.
      await stage.elapse(MINUTES_TO_RENEWAL);
      await Promise.all(
        devices.map((device) => {
          const { userId, deviceId } = device.history;
          const random = createRandom(seed, `evening of ${userId}/${deviceId}`);
          return live(stage, device, {
            random,
            rooms: roomsOf(userId),
            userId,
            sends: 3,
            onlineRate,
            pauseMs: EVENING_PAUSE_MS,
          });
        }),
      );
    }
    // A reconnect storm to end with; in some, devices die again while they catch up with what nothing more will follow.
    if (random.next() < 0.5) for (const one of [...devices, ...plain]) one.cut();
    stage.calm();
    if (random.next() < 0.5) await Promise.all(devices.map((device) => stumble(device, seed)));
    return await settle(stage, seed, { users, group, devices, plain });
  } finally {
    stage.calm();
    await Promise.all([...devices, ...plain].map((one) => one.close()));
  }
}

/** In every second run all have the SDK; in the others one user's second device has not, or that of two. */
function drawPlainUsers(random: Random): number {
  if (random.next() < 0.5) return 0;
  return random.next() < 0.6 ? 1 : 2;
}

/** All of them are in it, from the beginning on. */
async function makeGroup(stage: Stage, users: readonly string[], seed: number): Promise<string> {
  return auditor(stage, users[0]!, async (ask) => {
    const fields = { clientGroupId: `group-of-${seed}`, title: 'Everybody', members: users.slice(1) };
    return (await ask('createGroup', fields))['conversationId'] as string;
  });
}

interface Life {
  readonly random: Random;
  readonly userId: string;
  /** Conversations that it writes to. */
  readonly rooms: readonly string[];
  readonly sends: number;
  /** How often it waits for its connection before it does anything. */
  readonly onlineRate: number;
  /** Between two sends, at most. */
  readonly pauseMs: number;
}

async function live(stage: Stage, device: Device, life: Life): Promise<void> {
  const { random, userId, rooms, sends, onlineRate, pauseMs } = life;
  for (let n = 1; n <= sends; n++) {
    if (random.next() < onlineRate) await device.online(ONLINE_PATIENCE_MS);
    await stage.wait(random.between(0, pauseMs));
    const conversationId = rooms[random.integer(0, rooms.length - 1)]!;
    const conversation = parseConversationId(conversationId)!;
    const byUser = conversation.kind === 'direct' && random.next() < 0.5;
    const to = byUser ? `user:${peerOf(conversation.users, userId)}` : conversationId;
    device.send(to, conversationId, `${n} from ${userId}`, random.next() < 0.15);
    for (const room of rooms) if (random.next() < 0.3) device.read(room);
    for (const room of rooms) if (random.next() < 0.7) device.look(room);
    if (random.next() < 0.25) device.change(random.next() < 0.5 ? 'recall' : 'edit', random);
    const fate = random.next();
    if (fate < 0.08) {
      if (random.next() < 0.5) device.crash();
      else await device.crashInCommit(random.integer(1, 3), LATEST_CRASH_MS);
      await stage.wait(random.between(0, 200));
      await device.start();
    } else if (fate < 0.16) device.cut();
    else if (fate < 0.19) await device.yield();
  }
}

interface PlainLife extends Pick<Life, 'random' | 'userId' | 'sends'> {
  readonly peers: readonly string[];
}

async function livePlainly(
  stage: Stage,
  client: PlainClient,
  { random, userId, peers, sends }: PlainLife,
): Promise<void> {
  for (let n = 1; n <= sends; n++) {
    await stage.wait(random.between(0, 200));
    const peer = peers[random.integer(0, peers.length - 1)]!;
    await client.act(peer, `${n} from ${userId}, plainly`);
    if (random.next() < 0.08) client.cut();
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

interface Cast {
  readonly users: readonly string[];
  readonly group: string;
  readonly devices: readonly Device[];
  readonly plain: readonly PlainClient[];
}

/** Until all is as it should be, or nothing moves any more: what is broken then is broken for good. */
async function settle(stage: Stage, seed: number, { users, group, devices, plain }: Cast): Promise<Outcome> {
  const all = [...devices, ...plain];
  let lastMove = stage.now();
  // Nothing has to wait for a reconnect but what pushes alone tell of: that is looked at after one.
  let reconnected = false;
  let before = '';
  for (;;) {
    await Promise.race([
      Promise.all([stage.settled(), ...all.map((one) => one.sync())]),
      stage.wait(STANDSTILL_MS),
    ]);
    const now = JSON.stringify(all.map(({ progress }) => progress));
    if (now !== before) lastMove = stage.now();
    before = now;
    const standstill = stage.now() - lastMove >= STANDSTILL_MS;
    if (standstill || all.every(({ isQuiet }) => isQuiet)) {
      await Promise.all(devices.map((device) => device.takeStock()));
      const history: RunHistory = {
        seed,
        sent: all.flatMap(({ sent }) => sent),
        waiting: all.flatMap(({ waiting }) => waiting),
        devices: devices.map((device) => device.history),
        plain: plain.map((client) => client.history),
        mailboxes: await Promise.all(users.map((userId) => readMailbox(stage, userId))),
        truths: (await Promise.all(users.map((userId) => readTruths(stage, userId, users, group)))).flat(),
      };
      const violations = [...check(history), ...(reconnected ? checkLists(history) : [])];
      if (violations.length === 0 ? reconnected : standstill) return { history, violations };
      if (violations.length === 0) {
        reconnected = true;
        lastMove = stage.now();
        for (const one of all) one.cut();
      }
    }
    await stage.wait(POLL_MS);
  }
}

export function failureOf(outcome: Outcome): Failure {
  const { seed, sent } = outcome.history;
  const answered = sent.filter(({ seqs }) => seqs.length > 0).length;
  const invariants = [...new Set(outcome.violations.map(({ invariant }) => invariant))];
  return { seed, report: report(outcome), answered, invariants };
}

/** What went wrong, and how to see it again. */
export function report({ history, violations }: Outcome): string {
  const conversations = new Set(
    violations.flatMap(({ what }) =>
      history.truths.map(({ conversationId }) => conversationId).filter((id) => what.includes(id)),
    ),
  );
  return [
    `Seed ${history.seed}: ${violations.length} violations`,
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
