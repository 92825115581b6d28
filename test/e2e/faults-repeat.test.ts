// The same run under the same fault plan meets the same faults, at the same places: a failure can be looked at again.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import type { Injection } from '../../local/faults/faults.ts';
import { connect, type Frame, type TestClient } from '../support/client.ts';
import { scan, startCloud } from '../support/cloud.ts';

/** DESIGN §8, without its seed. */
const plan = {
  dynamodb: { throttle: 0.05, error: 0.02, lostResponse: 0.02, latencyMs: [0, 20] },
  lambda: { crashBefore: 0.01, crashMidway: 0.02, crashAfter: 0.01 },
  stream: { duplicate: 0.05, reorder: true, delayMs: [0, 300] },
  gateway: {
    dropPush: 0.05,
    duplicatePush: 0.02,
    delayPushMs: [0, 200],
    throttlePush: 0.02,
    disconnect: 0.01,
    halfOpen: 0.005,
  },
};

/** As many as take some twenty seconds. */
const MESSAGES = 70;
const PAIRS = 20;
const ROUNDS = 25;
const MAX_ATTEMPTS = 30;

/**
 * For many conversations at once: one record a batch by the template, ten at once, for singly they take too long. What
 * else is timing is kept apart by going in rounds: each conversation has one message under way, and the next round
 * begins when the cloud is settled.
 */
const templatePath = join(dirname(inject('templatePath')), `single-records-${randomUUID()}.template.json`);

beforeAll(async () => {
  const template = JSON.parse(await readFile(inject('templatePath'), 'utf8')) as {
    Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
  };
  for (const { Type, Properties } of Object.values(template.Resources)) {
    const isOfStream = Type === 'AWS::Lambda::EventSourceMapping' && 'StartingPosition' in Properties;
    if (!isOfStream) continue;
    Object.assign(Properties, { BatchSize: 1, ParallelizationFactor: 10 });
  }
  await writeFile(templatePath, JSON.stringify(template));
});
afterAll(() => rm(templatePath));

/** How far fan-out lags behind is a matter of time, and with it how many messages it looks up before it pushes them. */
const settings = (others: object = {}) => ({
  IM_SETTINGS: JSON.stringify({ pushFreshMs: 3_600_000, ...others }),
});

interface Pair {
  readonly alice: TestClient;
  readonly bobId: string;
  bob: TestClient;
}

/** @returns what was injected, in an order that does not depend on which conversation was faster. */
async function run(seed: number): Promise<Injection[]> {
  // A device whose connection is gone is forgotten at once, however young the connection was.
  const cloud = await startCloud({
    templatePath,
    maxEnvironments: 4,
    environment: settings({ connectGraceMs: 0 }),
  });
  try {
    const pairs: Pair[] = [];
    for (let n = 1; n <= PAIRS; n++) {
      const bobId = `bob-${n}`;
      pairs.push({ alice: await connect(cloud, `alice-${n}`), bobId, bob: await connect(cloud, bobId) });
    }
    const stream = { ...plan.stream, singly: false };
    cloud.setFaults({ ...plan, seed, stream });
    let seen = 0;
    for (let round = 1; round <= ROUNDS; round++) {
      await Promise.all(pairs.map((pair, n) => sendUntilStored(pair, `message-${n}-${round}`)));
      await cloud.settled();
      const fresh = cloud.injections().slice(seen);
      seen += fresh.length;
      for (const pair of pairs) await reconnectIfEnded(cloud, pair, fresh);
    }
    const injections = cloud.injections();
    cloud.clearFaults();
    const messages = await scan(cloud, 'Messages');
    expect(messages.filter((message) => !message['void'])).toHaveLength(PAIRS * ROUNDS);
    return inOrder(injections);
  } finally {
    await cloud.close();
  }
}

/** The plan and the template as they are, one message after the other, with nobody waiting for the stream. */
async function runOneByOne(seed: number): Promise<Injection[]> {
  const cloud = await startCloud({ environment: settings() });
  try {
    await connect(cloud, 'bob');
    const alice = await connect(cloud, 'alice');
    cloud.setFaults({ ...plan, seed });
    for (let n = 1; n <= MESSAGES; n++) await sendOnce(alice, 'bob', `message-${n}`);
    await cloud.settled();
    return inOrder(cloud.injections());
  } finally {
    await cloud.close();
  }
}

async function sendUntilStored({ alice, bobId }: Pair, clientMsgId: string): Promise<void> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const answer = await sendOnce(alice, bobId, clientMsgId);
    if (answer.ok) return;
    // A function that crashed is answered by the gateway, without an id.
    if (answer.id !== undefined) expect(answer).toMatchObject({ error: { retryable: true } });
  }
  throw new Error(`${clientMsgId} was not stored in ${MAX_ATTEMPTS} attempts`);
}

async function sendOnce(alice: TestClient, bobId: string, clientMsgId: string): Promise<Frame> {
  const body = { text: 'hello' };
  const frame = { action: 'send', id: clientMsgId, to: `user:${bobId}`, clientMsgId, type: 'text', body };
  const answered = once(alice.socket, 'message');
  alice.socket.send(JSON.stringify(frame));
  const [data] = (await answered) as [Buffer];
  return JSON.parse(data.toString()) as Frame;
}

/** Only what was injected says for certain that a connection ended; the socket may learn of it later. */
async function reconnectIfEnded(cloud: Cloud, pair: Pair, fresh: readonly Injection[]): Promise<void> {
  const ended = fresh.some(
    ({ fault, site }) => fault === 'gateway.disconnect' && site === `${pair.bobId}/phone`,
  );
  if (!ended) return;
  await pair.bob.closed;
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const connected = await connect(cloud, pair.bobId).catch(() => undefined);
    await cloud.settled();
    if (connected) {
      pair.bob = connected;
      return;
    }
  }
  throw new Error(`${pair.bobId} could not reconnect in ${MAX_ATTEMPTS} attempts`);
}

function inOrder(injections: readonly Injection[]): Injection[] {
  const text = ({ fault, site, ordinal }: Injection) => `${site} ${fault} ${ordinal}`;
  return injections.toSorted((left, right) => (text(left) < text(right) ? -1 : 1));
}

test('one message at a time: the same seed injects the same at the same places', async () => {
  const [first, second] = await Promise.all([runOneByOne(7), runOneByOne(7)]);
  expect(first.length).toBeGreaterThan(MESSAGES / 2);
  expect(second).toEqual(first);
}, 120_000);

test('many conversations and batches of one record: the same seed injects the same at the same places', async () => {
  const [first, second] = await Promise.all([run(7), run(7)]);
  expect(second).toEqual(first);
  const kinds = new Set(first.map(({ fault }) => fault));
  for (const [part, faults] of Object.entries(plan)) {
    for (const name of Object.keys(faults)) {
      if (!name.endsWith('Ms')) expect(kinds).toContain(`${part}.${name}`);
    }
  }
}, 300_000);
