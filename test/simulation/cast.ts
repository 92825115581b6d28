// Who takes part in a run, all drawn from its seed.
import { createRandom, type Random } from '../../local/faults/random.ts';
import type { Platform } from '../../src/protocol/ids.ts';
import { Device, type ClientParts, type DeviceOptions } from './device.ts';
import { drawCompany, type Company, type Founded } from './groups/company.ts';
import { newMachine, newTabbedMachine } from './machine.ts';
import { PlainClient } from './plain-client.ts';
import { drawSequel, sendsBefore, type Sequel } from './sequels.ts';
import { Sleeper } from './sleepers/sleeper.ts';
import type { Size } from './size.ts';
import type { Stage } from './stage.ts';

const USERS = ['ann', 'ben', 'cem'];
const DEVICES: readonly { deviceId: string; platform: Platform }[] = [
  { deviceId: 'phone', platform: 'ios' },
  { deviceId: 'laptop', platform: 'desktop' },
];
/** In some the first user's first device is a browser with several tabs. */
const TABBED_RUNS = 0.2;
const TABS = [2, 4] as const;

export interface Play {
  readonly stage: Stage;
  readonly parts: ClientParts;
  readonly seed: number;
  readonly size: Size;
}

export interface Cast {
  readonly stage: Stage;
  readonly seed: number;
  readonly size: Size;
  readonly users: readonly string[];
  /** Those, and who beside them comes and goes. */
  readonly pool: readonly string[];
  readonly devices: readonly Device[];
  readonly plain: readonly PlainClient[];
  readonly sleepers: readonly Sleeper[];
  readonly company: Company;
  /** Who is away until a month has gone. */
  readonly traveller: Device | undefined;
  readonly staying: readonly Device[];
  readonly sequel: Sequel | undefined;
  /** Messages of each before that. */
  readonly sends: number;
  /** How often a device waits for its connection before it does anything. */
  readonly onlineRate: number;
  /** Whose members change, as soon as they are there. */
  readonly groups: Founded[];
}

export function drawCast({ stage, parts, seed, size }: Play): Cast {
  const users = USERS.slice(0, size.users).map((name) => `${name}-${seed}`);
  const sequel = drawSequel(stage, seed);
  const isSetUpAnew = sequel === 'set up anew';
  const company = drawCompany(stage, seed, isSetUpAnew ? { ...size, groups: 0 } : size);
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
  const traveller = sequel === 'a month later' ? devices.at(-1) : undefined;
  const withoutSdk = [...plainUsers, ...company.stewards.map(({ userId }) => userId)];
  return {
    stage,
    seed,
    size,
    users,
    pool: [...users, ...company.extras],
    devices,
    plain: withoutSdk.map((userId) => new PlainClient(partsOf(userId, DEVICES[1]!))),
    sleepers: stage.notified && !sequel ? drawSleepers(stage, users, seed) : [],
    company,
    traveller,
    staying: devices.filter((device) => device !== traveller),
    sequel,
    sends: sendsBefore(sequel, size.sends),
    // In some runs nobody waits to be let in: all that was sent is to be caught up with at the end.
    onlineRate: createRandom(seed, 'mood').next() < 0.5 ? 0.85 : 0,
    groups: [],
  };
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
