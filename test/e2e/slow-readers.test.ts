// Who stops reading: everybody else gets everything, and their own devices are told by other means.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import type { SyncEvent } from '../../src/protocol/server-frames.ts';
import { connect, type TestClient } from '../support/client.ts';
import { scan, startCloud } from '../support/cloud.ts';

/** Two of them fit into one push. */
const text = 'x'.repeat(15_000);

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud({
    environment: {
      // Nobody is to count as away for that they acknowledge nothing: only by what their connections do not take.
      IM_SETTINGS: JSON.stringify({ sendsPerSecond: 1_000, sendBurst: 1_000, ackTimeoutMs: 900_000 }),
    },
    gatewayLimits: { bufferedBytes: 64 * 1024 },
  });
});
afterAll(() => cloud.close());

interface Pair {
  readonly name: string;
  readonly from: TestClient;
  readonly to: TestClient;
}

async function newPair(name: string): Promise<Pair> {
  const [from, to] = await Promise.all([connect(cloud, `from-${name}`), connect(cloud, `to-${name}`)]);
  return { name, from, to };
}

async function newStuckPair(name: string): Promise<Pair> {
  const pair = await newPair(name);
  const registration = { pushToken: `token of ${name}`, provider: 'fcm' };
  expect(await pair.to.request('device', registration)).toMatchObject({ ok: true });
  pair.to.socket.pause();
  return pair;
}

/** Until what no longer reaches the stuck ones waits for their devices. @returns how many each pair has sent. */
async function sendUntilNoted(stuck: readonly Pair[], others: readonly Pair[] = []): Promise<number> {
  const isNoted = async () => {
    const noted = new Set((await scan(cloud, 'OfflineQueue')).map(({ userId }) => userId));
    return stuck.every(({ name }) => noted.has(`to-${name}`));
  };
  for (let sent = 1; ; sent++) {
    await Promise.all([
      ...stuck.map(({ from, name }) => from.send(`user:to-${name}`, text)),
      ...others.map(({ from, name }) => from.send(`user:to-${name}`, `message ${sent}`)),
    ]);
    if (sent % 20 === 0 && (await isNoted())) return sent;
  }
}

/** Pushed, or pulled where a push was missed. */
async function everythingOf({ to }: Pair): Promise<number[]> {
  const taken = new Set(to.events.map(({ syncSeq }) => syncSeq));
  for (let after = 0, more = true; more;) {
    const page = await to.request('sync', { after, limit: 200 });
    for (const { syncSeq } of page['events'] as SyncEvent[]) taken.add(syncSeq);
    after = page['next'] as number;
    more = page['more'] as boolean;
  }
  return [...taken].toSorted((left, right) => left - right);
}

test('P6.3, P6.4: sockets that do not read are closed, and everybody else gets everything', async () => {
  const stuck = [await newStuckPair('stuck-1'), await newStuckPair('stuck-2')];
  const others = [await newPair('a'), await newPair('b')];
  const sent = await sendUntilNoted(stuck, others);
  await cloud.settled();

  const everything = Array.from({ length: sent }, (_, index) => index + 1);
  for (const pair of others) expect(await everythingOf(pair)).toEqual(everything);
  const heads = (await scan(cloud, 'Users')).filter(({ item }) => item === 'HEAD');
  const connected = heads.filter((head) => Object.keys(head).some((name) => name.startsWith('c#')));
  const names = connected.map(({ userId }) => userId as string);
  expect(names).toEqual(expect.arrayContaining(others.map(({ name }) => `to-${name}`)));
  for (const { name, to } of stuck) {
    expect(names).not.toContain(`to-${name}`);
    to.socket.resume();
    await to.closed;
  }
});

test('P6.4: whoever reads again comes back and pulls what was missed', async () => {
  const pair = await newStuckPair('returning');
  await sendUntilNoted([pair]);
  pair.to.socket.resume();
  await pair.to.closed;
  const back = await connect(cloud, 'to-returning');
  const { head } = await back.request('sync', { after: 0, limit: 1 });
  await pair.from.send('user:to-returning', 'the next one');
  const [event] = await back.eventsUpTo(1);
  expect(event).toMatchObject({ syncSeq: (head as number) + 1 });
});
