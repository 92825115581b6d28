// One run: users with several devices each (a few of them with a client of their own) send, crash and lose the network while the fault plan rages; then the
// storm ends, everybody comes back, and what all of them saw is compared.
import { createRandom } from '../../local/faults/random.ts';
import { directConversationId } from '../../src/protocol/ids.ts';
import { auditor } from './auditor.ts';
import { drawCast, type Cast, type Play } from './cast.ts';
import type { Device } from './device.ts';
import { steer, type Founded } from './groups/company.ts';
import { live, livePlainly, protest, roomOf, stumble } from './lives.ts';
import { socialize } from './people/lives.ts';
import type { PlainClient } from './plain-client.ts';
import { depart, SEQUEL_SENDS } from './sequels.ts';
import { settle, type Outcome } from './settle.ts';
import { wholeOf, type Size } from './size.ts';
import type { Stage } from './stage.ts';

export type { Outcome } from './settle.ts';

export interface SimulationOptions extends Omit<Play, 'size'> {
  /** A whole one unless told. */
  readonly size?: Size;
}

/** Between two sends of a device, at most. */
const PAUSE_MS = 120;
/** So many runs go on for more than two hours of the clients' time: they renew from 110 minutes on, up to five later. */
const LONG_RUNS = 0.15;
const MINUTES_TO_RENEWAL = 109;
const EVENING_PAUSE_MS = 30_000;
/** In some runs with somebody who sleeps all take their time, and who sleeps comes and goes more often. */
const DROWSY_PAUSE_MS = 1_500;
const DROWSY_STAYS = 2;
const POISONED_RUNS = 0.1;
const LATEST_POISON_MS = 200;

/** A run under way. */
interface Run extends Cast {
  /** All are in it, as long as there is one. */
  group: string;
}

export async function simulate({ size = wholeOf(1), ...options }: SimulationOptions): Promise<Outcome> {
  const cast = drawCast({ ...options, size });
  const { stage, devices, plain, company } = cast;
  try {
    const run: Run = { ...cast, group: await enter(cast, 'of') };
    await storm(run);
    await endStorm(run);
    const outcome = await settle({ ...run, devices: run.staying });
    return run.sequel && outcome.violations.length === 0 ? await goOn(run, outcome) : outcome;
  } finally {
    stage.calm();
    await Promise.all([...devices, ...plain, ...company.stewards].map((one) => one.close()));
  }
}

/** A user exists from the first connection on, so that comes before the storm. */
async function enter({ stage, seed, users, pool }: Cast, when: 'of' | 'after'): Promise<string> {
  await Promise.all(pool.map((userId) => auditor(stage, userId, async () => {})));
  return makeGroup(stage, users, `group-${when}-${seed}`);
}

async function storm(run: Run): Promise<void> {
  const { stage, seed, size, users, pool, staying, plain, sleepers, company, traveller, sends } = run;
  for (const sleeper of sleepers) await sleeper.register();
  await traveller?.start();
  await traveller?.online(Infinity);
  // Of what comes while they are there or away, they take more than one part.
  const isDrowsy = sleepers.length > 0 && createRandom(seed, 'drowsy').next() < 0.5;
  const pauseMs = isDrowsy ? DROWSY_PAUSE_MS : PAUSE_MS;
  const protests: Promise<void>[] = [];
  const onRemoval = ({ conversationId }: Founded, removed: readonly string[]) => {
    for (const device of staying.filter(({ history }) => removed.includes(history.userId))) {
      const random = createRandom(seed, `protest ${protests.length} of ${device.name}`);
      protests.push(protest(stage, device, conversationId, random));
    }
  };
  stage.rage();
  await Promise.all(staying.map((device) => device.start()));
  await Promise.all([
    ...staying.map((device) => lifeOf(run, device, { part: 'life', sends, pauseMs })),
    ...plain.map((client) => plainLifeOf(run, client)),
    traveller && depart(stage, traveller, seed),
    poison(stage, seed),
    ...sleepers.map(async (sleeper) => {
      await sleeper.live(isDrowsy ? DROWSY_STAYS * sends : sends);
      if (isDrowsy) await writeTo(stage, sleeper.history.userId, staying, seed);
    }),
    socialize({ stage, seed, users, people: [...staying, ...plain], acts: size.sends }),
    steer({
      stage,
      seed,
      company,
      pool,
      acts: size.sends,
      onFounded: (group) => run.groups.push(group),
      onRemoval,
    }),
  ]);
  await Promise.all(protests);
  if (stage.elapse && createRandom(seed, 'evening').next() < LONG_RUNS) {
    // Connections come to their two hours while there is little to say, and what is idle is ended.
    await stage.elapse(MINUTES_TO_RENEWAL);
    const evening = { part: 'evening', sends: 3, pauseMs: EVENING_PAUSE_MS };
    await Promise.all(staying.map((device) => lifeOf(run, device, evening)));
  }
  for (const sleeper of sleepers) sleeper.leave();
}

/** With a reconnect storm in some; in some, devices die again while they catch up with what nothing more will follow. */
async function endStorm({ stage, seed, staying, plain, company }: Run): Promise<void> {
  const random = createRandom(seed, 'scenario');
  if (random.next() < 0.5) for (const one of [...staying, ...plain, ...company.stewards]) one.cut();
  stage.calm();
  if (random.next() < 0.5) await Promise.all(staying.map((device) => stumble(device, seed)));
}

/** A month later, or with tables that were made anew. */
async function goOn(run: Run, { history }: Outcome): Promise<Outcome> {
  const { stage, devices, staying, plain, sequel } = run;
  for (const device of staying) device.crash();
  for (const client of plain) await client.close();
  if (sequel === 'a month later') await stage.monthLater!();
  else {
    const past = new Set(history.sent.map(({ clientMsgId }) => clientMsgId));
    for (const device of devices) device.beginAnew(past);
    await stage.setUpAnew!();
    run.group = await enter(run, 'after');
  }
  stage.rage();
  await Promise.all(devices.map((device) => device.start()));
  const life = { part: 'sequel', sends: SEQUEL_SENDS, pauseMs: PAUSE_MS };
  await Promise.all(devices.map((device) => lifeOf(run, device, life)));
  stage.calm();
  const mailboxes = sequel === 'a month later' ? history.mailboxes : [];
  return settle({ ...run, plain: [], gone: plain, mailboxes, isSequel: true });
}

/** Conversations of a user by now. */
function roomsOf({ users, company, group, groups }: Run, userId: string): string[] {
  const peers = users.filter((user) => user !== userId);
  const isSteward = company.stewards.some((steward) => steward.userId === userId);
  return [
    ...(isSteward ? [] : [...peers.map((peer) => directConversationId(userId, peer)), group]),
    ...groups.map(({ conversationId }) => conversationId),
  ];
}

interface Part {
  readonly part: string;
  readonly sends: number;
  readonly pauseMs: number;
}

function lifeOf(run: Run, device: Device, { part, sends, pauseMs }: Part): Promise<void> {
  const { userId } = device.history;
  const random = createRandom(run.seed, `${part} of ${device.name}`);
  const rooms = () => roomsOf(run, userId);
  return live(run.stage, device, { random, rooms, userId, sends, onlineRate: run.onlineRate, pauseMs });
}

function plainLifeOf(run: Run, client: PlainClient): Promise<void> {
  const { userId, deviceId } = client.history;
  const random = createRandom(run.seed, `life of ${userId}/${deviceId}`);
  const rooms = () => roomsOf(run, userId).map((room) => roomOf(room, userId));
  return livePlainly(run.stage, client, { random, rooms, userId, sends: run.sends });
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
