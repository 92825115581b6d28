// `npm run bench:broadcast`: what a broadcast to everybody takes, the first to users who have never heard from the sender, and
// the next one.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Command, InvalidArgumentError } from 'commander';
import pLimit from 'p-limit';
import { startCloud, type Cloud } from '../local/cloud.ts';
import { synthesize } from '../local/template/synthesize.ts';
import { buildFunctions } from '../scripts/build.ts';
import { createServiceClient, type ServiceClient } from '../src/client/package/service.ts';
import { prices } from './prices.ts';

interface Options {
  users: number;
  rate: number;
  lambdaMs: number;
  db: string;
  json?: true;
}

interface Row {
  readonly broadcast: string;
  readonly users: number;
  readonly seconds: number;
  readonly sent: number;
  readonly failed: number;
  readonly writeUnits: number;
  readonly readUnits: number;
  readonly invocations: number;
  readonly usd: number;
}

const program = new Command('npm run bench:broadcast --')
  .description('Sends a message to everybody, twice, and tells the time, the units and the price.')
  .option('--users <count>', 'who are known', wholeNumber, 2_000)
  .option('--rate <count>', 'messages a second that are asked for', wholeNumber, 500)
  .option('--lambda-ms <ms>', 'what an invocation of fan-out is taken to last on Lambda', wholeNumber, 50)
  .option('--db <engine>', 'as for npm start', 'dynoxide')
  .option('--json', 'print a line of JSON for each broadcast')
  .showHelpAfterError(false);

function wholeNumber(value: string): number {
  const number = Number(value);
  if (Number.isInteger(number) && number > 0) return number;
  throw new InvalidArgumentError('It must be a whole number from 1.');
}

const USERS_A_REQUEST = 100;
const REQUESTS_AT_ONCE = 4;

async function makeKnown(service: ServiceClient, count: number): Promise<void> {
  const limit = pLimit(REQUESTS_AT_ONCE);
  const starts = Array.from({ length: Math.ceil(count / USERS_A_REQUEST) }, (_, n) => n * USERS_A_REQUEST);
  await Promise.all(
    starts.map((start) =>
      limit(async () => {
        const some = Math.min(USERS_A_REQUEST, count - start);
        const users = Array.from({ length: some }, (_, n) => ({ userId: `user-${start + n}` }));
        await service.createUsers({ users });
      }),
    ),
  );
}

async function broadcast(
  cloud: Cloud,
  service: ServiceClient,
  name: string,
  { users, rate, lambdaMs }: Options,
): Promise<Row> {
  cloud.resetMetrics();
  const { broadcastId } = await service.createBroadcast({
    clientBroadcastId: name.padEnd(8, '-'),
    from: 'system',
    type: 'text',
    body: { text: 'The service is down for an hour tonight, from two o’clock on.' },
    all: true,
    ratePerSecond: rate,
  });
  for (;;) {
    const { state, sent, failed, startedAt, finishedAt = 0 } = await service.broadcast({ id: broadcastId });
    if (state === 'running') {
      await delay(1_000);
      continue;
    }
    await cloud.settled();
    const { dynamodb, lambda } = cloud.metrics();
    const counts = Object.values(lambda).map(({ invocations }) => invocations);
    const invocations = counts.reduce((sum, count) => sum + count, 0);
    // Whoever sends waits for the clock: that lasts as long on Lambda. All have half a gigabyte.
    const sending = lambda['broadcast']!;
    const others = invocations - sending.invocations;
    const gigabyteSeconds = (sending.durationMs + others * lambdaMs) / 2_000;
    const { writeUnits, readUnits } = dynamodb;
    const usd =
      writeUnits * prices.writeUnit.usd +
      readUnits * prices.readUnit.usd +
      invocations * prices.invocation.usd +
      gigabyteSeconds * prices.gigabyteSecond.usd;
    const seconds = (finishedAt - startedAt) / 1_000;
    return { broadcast: name, users, seconds, sent, failed, writeUnits, readUnits, invocations, usd };
  }
}

const cells = (row: Row) => [
  row.broadcast,
  row.sent,
  row.seconds.toFixed(1),
  (row.sent / row.seconds).toFixed(0),
  row.writeUnits.toFixed(0),
  row.readUnits.toFixed(0),
  row.invocations,
  row.usd.toFixed(4),
];
const line = (parts: readonly (string | number)[]) => parts.map((part) => String(part).padStart(13)).join('');

const options = program.parse().opts<Options>();
const outDirectory = await mkdtemp(join(tmpdir(), 'serverless-im-'));
try {
  await buildFunctions();
  const cloud = await startCloud({
    templatePath: await synthesize({ outDirectory }),
    port: 0,
    db: options.db,
  });
  try {
    const { url, region, accessKeyId, secretAccessKey } = cloud.service!;
    const service = createServiceClient({ url, region, credentials: { accessKeyId, secretAccessKey } });
    await makeKnown(service, options.users);
    if (!options.json) {
      console.log(
        line([
          'broadcast',
          'sent',
          'seconds',
          'per second',
          'write units',
          'read units',
          'invocations',
          'USD',
        ]),
      );
    }
    for (const name of ['first', 'second']) {
      const row = await broadcast(cloud, service, name, options);
      console.log(options.json ? JSON.stringify(row) : line(cells(row)));
    }
  } finally {
    await cloud.close();
  }
} finally {
  await rm(outDirectory, { recursive: true, force: true });
}
