// One run: users with several devices each (a few of them with a client of their own) send, crash and lose the network while the fault plan rages; then the
// storm ends, everybody comes back, and what all of them saw is compared.
import { createRandom, type Random } from '../../local/faults/random.ts';
import { directConversationId, type Platform } from '../../src/protocol/ids.ts';
import { limits } from '../../src/protocol/limits.ts';
import { auditor, auditors, readMailbox, readTruths } from './auditor.ts';
import { check, checkLists } from './checker.ts';
import { Device, type ClientParts, type DeviceOptions } from './device.ts';
import { readGroup } from './groups/audit.ts';
import { drawCompany, steer, type Company, type Founded } from './groups/company.ts';
import type { MailboxTruth, RunHistory } from './history.ts';
import { live, livePlainly, protest, roomOf, stumble } from './lives.ts';
import { newMachine, newTabbedMachine } from './machine.ts';
import { socialize } from './people/lives.ts';
import { PlainClient } from './plain-client.ts';
import { depart, drawSequel, sendsBefore, SEQUEL_SENDS } from './sequels.ts';
import { Sleeper } from './sleepers/sleeper.ts';
import { wholeOf, type Size } from './size.ts';
import type { Stage } from './stage.ts';
import type { Violation } from './violations.ts';

export interface SimulationOptions {
  readonly stage: Stage;
  readonly parts: ClientParts;
  readonly seed: number;
  /** A whole one unless told. */
  readonly size?: Size;
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
/** Nor does what was sent take longer, repeated as often as it may be. */
const LATEST_DELIVERY_MS = 150_000;
const POLL_MS = 150;
/** Between two sends of a device, at most. */
const PAUSE_MS = 120;
/** So many runs go on for more than two hours of the clients' time: they renew from 110 minutes on, up to five later. */
const LONG_RUNS = 0.15;
const MINUTES_TO_RENEWAL = 109;
const EVENING_PAUSE_MS = 30_000;
/** In some runs with somebody who sleeps all take their time, and who sleeps comes and goes more often. */
const DROWSY_PAUSE_MS = 1_500;
const DROWSY_STAYS = 2;
/** In some the first user's first device is a browser with several tabs. */
const TABBED_RUNS = 0.2;
const TABS = [2, 4] as const;
const POISONED_RUNS = 0.1;
const LATEST_POISON_MS = 200;

export async function simulate({
  stage,
  parts,
  seed,
  size = wholeOf(1),
}: SimulationOptions): Promise<Outcome> {
  const random = createRandom(seed, 'scenario');
  // In some runs nobody waits to be let in: all that was sent is to be caught up with at the end.
  const onlineRate = createRandom(seed, 'mood').next() < 0.5 ? 0.85 : 0;
  const users = USERS.slice(0, size.users).map((name) => `${name}-${seed}`);
  const sequel = drawSequel(stage, seed);
  const isSetUpAnew = sequel === 'set up anew';
  const sends = sendsBefore(sequel, size.sends);
  const company = drawCompany(stage, seed, isSetUpAnew ? { ...size, groups: 0 } : size);
  const pool = [...users, ...company.extras];
  const plainUsers = isSetUpAnew ? [] : users.slice(0, drawPlainUsers(createRandom(seed, 'plain')));
  const partsOf = (userId: string, { deviceId, platform }: (typeof DEVICES)[number]) => {
    const random = createRandom(seed, `${userId}/${deviceId}`);
    return { parts, stage, userId, deviceId, platform, random };
  };
  const tabs = drawTabs(createRandom(seed, 'tabs'));
  const devices = users.flatMap((userId, index) =>
    DEVICES.slice(0, plainUsers.includes(userId) || index >= size.second ? 1 : undefined).flatMap(
      (device, nth) => devicesOf(partsOf(userId, device), index === 0 && nth === 0 ? tabs : 1),
    ),
  );
  const stewards = company.stewards.map(({ userId }) => userId);
  const plain = [...plainUsers, ...stewards].map((userId) => new PlainClient(partsOf(userId, DEVICES[1]!)));
  const sleepers = stage.notified && !sequel ? drawSleepers(stage, users, seed) : [];
  const traveller = sequel === 'a month later' ? devices.at(-1) : undefined;
  const staying = devices.filter((device) => device !== traveller);
  const groups: Founded[] = [];
  const all = [...devices, ...plain, ...company.stewards];
  try {
    // A user exists from the first connection on, so that comes before the storm.
    await Promise.all(pool.map((userId) => auditor(stage, userId, async () => {})));
    let group = await makeGroup(stage, users, `group-of-${seed}`);
    const roomsOf = (userId: string) => {
      const peers = users.filter((user) => user !== userId);
      const direct = peers.map((peer) => directConversationId(userId, peer));
      return () => [
        ...(stewards.includes(userId) ? [] : [...direct, group]),
        ...groups.map(({ conversationId }) => conversationId),
      ];
    };
    const lifeOf = (device: Device, part: string, sends: number, pauseMs: number) => {
      const { userId } = device.history;
      const random = createRandom(seed, `${part} of ${device.name}`);
      return live(stage, device, { random, rooms: roomsOf(userId), userId, sends, onlineRate, pauseMs });
    };
    const plainLifeOf = (client: PlainClient, part: string, sends: number) => {
      const { userId, deviceId } = client.history;
      const random = createRandom(seed, `${part} of ${userId}/${deviceId}`);
      const rooms = () => roomsOf(userId)().map((room) => roomOf(room, userId));
      return livePlainly(stage, client, { random, rooms, userId, sends });
    };
    const onFounded = (made: Founded) => groups.push(made);
    const protests: Promise<void>[] = [];
    const onRemoval = ({ conversationId }: Founded, removed: readonly string[]) => {
      for (const device of staying.filter(({ history }) => removed.includes(history.userId))) {
        const random = createRandom(seed, `protest ${protests.length} of ${device.name}`);
        protests.push(protest(stage, device, conversationId, random));
      }
    };
    for (const sleeper of sleepers) await sleeper.register();
    await traveller?.start();
    await traveller?.online(Infinity);
    // Of what comes while they are there or away, they take more than one part.
    const isDrowsy = sleepers.length > 0 && createRandom(seed, 'drowsy').next() < 0.5;
    const pauseMs = isDrowsy ? DROWSY_PAUSE_MS : PAUSE_MS;
    stage.rage();
    await Promise.all(staying.map((device) => device.start()));
    await Promise.all([
      ...staying.map((device) => lifeOf(device, 'life', sends, pauseMs)),
      ...plain.map((client) => plainLifeOf(client, 'life', sends)),
      traveller && depart(stage, traveller, seed),
      poison(stage, seed),
      ...sleepers.map(async (sleeper) => {
        await sleeper.live(isDrowsy ? DROWSY_STAYS * sends : sends);
        if (isDrowsy) await writeTo(stage, sleeper.history.userId, staying, seed);
      }),
      socialize({ stage, seed, users, people: [...staying, ...plain], acts: size.sends }),
      steer({ stage, seed, company, pool, acts: size.sends, onFounded, onRemoval }),
    ]);
    await Promise.all(protests);
    if (stage.elapse && createRandom(seed, 'evening').next() < LONG_RUNS) {
      // Connections come to their two hours while there is little to say, and what is idle is ended.
      await stage.elapse(MINUTES_TO_RENEWAL);
      await Promise.all(staying.map((device) => lifeOf(device, 'evening', 3, EVENING_PAUSE_MS)));
    }
    for (const sleeper of sleepers) sleeper.leave();
    // A reconnect storm to end with; in some, devices die again while they catch up with what nothing more will follow.
    if (random.next() < 0.5) for (const one of [...staying, ...plain, ...company.stewards]) one.cut();
    stage.calm();
    if (random.next() < 0.5) await Promise.all(staying.map((device) => stumble(device, seed)));
    const cast = { size, users, pool, groups, plain, sleepers, company };
    const outcome = await settle(stage, seed, { ...cast, group, devices: staying });
    if (!sequel || outcome.violations.length > 0) return outcome;

    for (const device of staying) device.crash();
    for (const client of plain) await client.close();
    let mailboxes: readonly MailboxTruth[] = [];
    if (sequel === 'a month later') {
      ({ mailboxes } = outcome.history);
      await stage.monthLater!();
    } else {
      const past = new Set(outcome.history.sent.map(({ clientMsgId }) => clientMsgId));
      for (const device of devices) device.beginAnew(past);
      await stage.setUpAnew!();
      await Promise.all(pool.map((userId) => auditor(stage, userId, async () => {})));
      group = await makeGroup(stage, users, `group-after-${seed}`);
    }
    stage.rage();
    await Promise.all(devices.map((device) => device.start()));
    await Promise.all(devices.map((device) => lifeOf(device, 'sequel', SEQUEL_SENDS, PAUSE_MS)));
    stage.calm();
    return await settle(stage, seed, {
      ...cast,
      plain: [],
      gone: plain,
      group,
      devices,
      mailboxes,
      isSequel: true,
    });
  } finally {
    stage.calm();
    await Promise.all(all.map((one) => one.close()));
  }
}

const drawTabs = (random: Random) => (random.next() < TABBED_RUNS ? random.integer(...TABS) : 1);

/** As one app, or one for each tab. */
function devicesOf(parts: Omit<DeviceOptions, 'machine' | 'tab'>, tabs: number): Device[] {
  const { stage, deviceId, random } = parts;
  if (tabs === 1) return [new Device({ ...parts, machine: newMachine(stage, deviceId, random) })];
  const machine = newTabbedMachine(stage, deviceId, random);
  return Array.from({ length: tabs }, (_, index) => new Device({ ...parts, machine, tab: index + 1 }));
}

/** In every second run all have the SDK; in the others one user's second device has not, or that of two. */
function drawPlainUsers(random: Random): number {
  if (random.next() < 0.5) return 0;
  return random.next() < 0.6 ? 1 : 2;
}

/** In a third of the runs one user, or two, have a telephone that is mostly away. */
function drawSleepers(stage: Stage, users: readonly string[], seed: number): Sleeper[] {
  const random = createRandom(seed, 'sleepers');
  if (random.next() > 0.35) return [];
  return users
    .slice(0, random.integer(1, 2))
    .map((userId) => new Sleeper({ stage, userId, random: createRandom(seed, `${userId}/sleeper`) }));
}

/** Whoever is there writes to somebody who may have gone for good, or is about to doze off. */
async function writeTo(
  stage: Stage,
  userId: string,
  devices: readonly Device[],
  seed: number,
): Promise<void> {
  const random = createRandom(seed, `last words to ${userId}`);
  const others = devices.filter(({ history }) => history.userId !== userId);
  for (const [n, device] of others.slice(0, random.integer(1, 2)).entries()) {
    await stage.wait(random.between(0, 2 * DROWSY_PAUSE_MS));
    const conversationId = directConversationId(userId, device.history.userId);
    device.send(conversationId, conversationId, `last word ${n + 1}`, false);
    if (random.next() < 0.5) continue;
    await stage.wait(random.between(0, PAUSE_MS));
    device.send(conversationId, conversationId, `and another one`, false);
  }
}

/** All of them are in it, from the beginning on. */
async function makeGroup(stage: Stage, users: readonly string[], clientGroupId: string): Promise<string> {
  return auditor(stage, users[0]!, async ({ ask }) => {
    const fields = { clientGroupId, title: 'Everybody', members: users.slice(1) };
    return (await ask('createGroup', fields))['conversationId'] as string;
  });
}

/** In some runs one record is, or a few are, such that no function can ever read it. */
async function poison(stage: Stage, seed: number): Promise<void> {
  const random = createRandom(seed, 'poison');
  if (!stage.poison || random.next() > POISONED_RUNS) return;
  for (let left = random.integer(1, 3); left > 0; left--) {
    await stage.wait(random.between(0, LATEST_POISON_MS));
    stage.poison(`d:nobody-${left}:poison`);
  }
}

interface Cast {
  readonly size: Size;
  readonly users: readonly string[];
  /** Those, and who beside them comes and goes. */
  readonly pool: readonly string[];
  readonly group: string;
  /** Whose members change. */
  readonly groups: readonly Founded[];
  readonly devices: readonly Device[];
  readonly plain: readonly PlainClient[];
  /** Those that took part in what was, and do no more. */
  readonly gone?: readonly PlainClient[];
  readonly sleepers: readonly Sleeper[];
  readonly company: Company;
  readonly isSequel?: boolean;
  /** As they read before; their pages may have gone since. */
  readonly mailboxes?: readonly MailboxTruth[];
}

/** Until all is as it should be, or nothing moves any more: what is broken then is broken for good. */
async function settle(stage: Stage, seed: number, cast: Cast): Promise<Outcome> {
  const { size, devices, plain } = cast;
  const all = [...devices, ...plain];
  const reconnects = createRandom(seed, 'reconnect').next() < size.reconnects;
  const calmAt = stage.now();
  let lastMove = calmAt;
  // Nothing has to wait for a reconnect but what pushes alone tell of: that is looked at after one.
  let reconnected = false;
  let before = '';
  for (;;) {
    let isDelivered = false;
    const delivered = stage.settled().then(() => (isDelivered = true));
    await Promise.race([
      Promise.all([delivered, ...all.map((one) => one.sync())]),
      stage.wait(STANDSTILL_MS),
    ]);
    // A queue gives back only after a minute what somebody died over.
    if (!isDelivered && stage.now() - calmAt < LATEST_DELIVERY_MS) continue;
    const now = JSON.stringify(all.map(({ progress }) => progress));
    if (now !== before) lastMove = stage.now();
    before = now;
    const standstill = stage.now() - lastMove >= STANDSTILL_MS;
    if (standstill || all.every(({ isQuiet }) => isQuiet)) {
      await Promise.all(devices.map((device) => device.takeStock()));
      const history = await review(stage, seed, cast);
      const violations = [...check(history), ...(reconnected ? checkLists(history) : [])];
      if (violations.length === 0 ? reconnected || !reconnects : standstill) return { history, violations };
      if (violations.length === 0) {
        reconnected = true;
        lastMove = stage.now();
        for (const one of all) one.cut();
      }
    }
    await stage.wait(POLL_MS);
  }
}

/** What everybody saw, and what the server says. */
function review(stage: Stage, seed: number, cast: Cast): Promise<RunHistory> {
  const { users, pool, group, groups, devices, plain, gone = [], sleepers, company, mailboxes = [] } = cast;
  const all = [...devices, ...plain, ...gone];
  return auditors(stage, pool, async (each) => {
    const seen: Awaited<ReturnType<typeof readGroup>>[] = [];
    // An auditor asks one thing after the other.
    const knownOf = (reader: string) => mailboxes.find(({ userId }) => userId === reader)?.events;
    for (const one of groups) seen.push(await readGroup(one, each, knownOf));
    const inAll = each.filter(({ userId }) => users.includes(userId));
    const truths = await Promise.all(inAll.map((one) => readTruths(one, users, group)));
    return {
      seed,
      sent: all.flatMap(({ sent }) => sent),
      waiting: all.flatMap(({ waiting }) => waiting),
      wishes: all.flatMap(({ wishLog }) => wishLog.wishes),
      reactionLimits: stage.reactionLimits ?? limits.reactions,
      devices: devices.map((device) => device.history),
      plain: plain.map((client) => client.history),
      mailboxes: await Promise.all(each.map((one) => readMailbox(one, knownOf(one.userId)))),
      truths: [...truths.flat(), ...seen.flatMap((one) => one.truths)],
      groups: seen.map(({ truth }) => truth),
      asked: company.stewards.flatMap(({ asked }) => asked),
      sleepers: sleepers.map((sleeper) => sleeper.history),
      notified: stage.notified?.() ?? [],
      poison: stage.poisonSeen?.() ?? { put: 0, givenUp: 0 },
      // What is over after a month is no void, and what tables held that are gone nobody counts.
      ...(!cast.isSequel && { settleMs: stage.settleMs }),
    };
  });
}
