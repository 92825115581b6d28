// What devices do in the storm, and clients that are not the SDK.
import { createRandom, type Random } from '../../local/faults/random.ts';
import { parseConversationId, peerOf } from '../../src/protocol/ids.ts';
import type { Device } from './device.ts';
import type { PlainClient, Room } from './plain-client.ts';
import type { Stage } from './stage.ts';

/** In the storm a device goes on without a connection then. */
const ONLINE_PATIENCE_MS = 1_500;
/** A device that is to die in a commit dies after that long at the latest, should there be none. */
const LATEST_CRASH_MS = 300;

const LATEST_PROTEST_MS = 40;
/** What befalls a device after each time that it does anything: up to that much of one. */
const FATES = { crash: 0.08, cut: 0.16, kick: 0.19 };
/** Tabs are opened and closed all the time. */
const TAB_FATES = { crash: 0.25, cut: 0.3, kick: 0.45 };
/** How often a user goes on in another tab, of each time that one does anything. */
const TAKE_OVERS = 0.15;

interface Life {
  readonly random: Random;
  readonly userId: string;
  /** Conversations that it writes to, as far as they are there. */
  readonly rooms: () => readonly string[];
  readonly sends: number;
  /** How often it waits for its connection before it does anything. */
  readonly onlineRate: number;
  /** Between two sends, at most. */
  readonly pauseMs: number;
}

export async function live(stage: Stage, device: Device, life: Life): Promise<void> {
  const { random, userId, sends, onlineRate, pauseMs } = life;
  for (let n = 1; n <= sends; n++) {
    if (random.next() < onlineRate) await device.online(ONLINE_PATIENCE_MS);
    await stage.wait(random.between(0, pauseMs));
    const rooms = life.rooms();
    const conversationId = rooms[random.integer(0, rooms.length - 1)]!;
    const conversation = parseConversationId(conversationId)!;
    const byUser = conversation.kind === 'direct' && random.next() < 0.5;
    const to = byUser ? `user:${peerOf(conversation.users, userId)}` : conversationId;
    device.send(to, conversationId, `${n} from ${userId}`, random.next() < 0.15);
    for (const room of rooms) if (random.next() < 0.3) device.read(room);
    for (const room of rooms) if (random.next() < 0.7) device.look(room);
    for (const room of rooms) if (isGroup(room) && random.next() < 0.15) device.openOrShut(room);
    if (random.next() < 0.25) device.change(random.next() < 0.5 ? 'recall' : 'edit', random);
    if (device.isTab && random.next() < TAKE_OVERS) device.takeOver();
    const fate = random.next();
    const { crash, cut, kick } = device.isTab ? TAB_FATES : FATES;
    if (fate < crash) {
      if (random.next() < 0.5) device.crash();
      else await device.crashInCommit(random.integer(1, 3), LATEST_CRASH_MS);
      await restart(stage, device, random);
    } else if (fate < cut) device.cut();
    else if (fate < (device.untilTokenEnds === undefined ? kick : 0.5)) {
      await device.yield(conversationId);
      // The tab that was told so goes; the one that comes into its place has to know.
      if (device.isTab && random.next() < 0.5) await restart(stage, device, random);
    }
  }
}

async function restart(stage: Stage, device: Device, random: Random): Promise<void> {
  device.crash();
  await stage.wait(random.between(0, 200));
  await device.start();
}

/** What somebody has to say who is about to be removed from a group. */
export async function protest(
  stage: Stage,
  device: Device,
  conversationId: string,
  random: Random,
): Promise<void> {
  for (let n = random.integer(0, 2); n > 0; n--) {
    await stage.wait(random.between(0, LATEST_PROTEST_MS));
    device.send(conversationId, conversationId, `protest ${n}`, false);
  }
}

interface PlainLife extends Pick<Life, 'random' | 'userId' | 'sends'> {
  readonly rooms: () => readonly Room[];
}

export async function livePlainly(
  stage: Stage,
  client: PlainClient,
  { random, userId, rooms, sends }: PlainLife,
): Promise<void> {
  for (let n = 1; n <= sends; n++) {
    await stage.wait(random.between(0, 200));
    const there = rooms();
    const room = there[random.integer(0, Math.max(0, there.length - 1))];
    if (room) await client.act(room, `${n} from ${userId}, plainly`);
    if (random.next() < 0.08) client.cut();
  }
}

const isGroup = (conversationId: string) => conversationId.startsWith('g:');

/** A direct conversation may be named by its other user, too. */
export function roomOf(conversationId: string, userId: string): Room {
  const conversation = parseConversationId(conversationId)!;
  const byUser = conversation.kind === 'direct' ? [`user:${peerOf(conversation.users, userId)}`] : [];
  return { conversationId, to: [...byUser, conversationId] };
}

export async function stumble(device: Device, seed: number): Promise<void> {
  const random = createRandom(seed, `end of ${device.name}`);
  for (let crashes = random.integer(1, 4); crashes > 0; crashes--) {
    await device.crashInCommit(random.integer(1, 4), LATEST_CRASH_MS);
    await device.start();
  }
}
