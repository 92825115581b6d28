// `npm run bench:search`: what looking through a thousand messages costs, in read units and in time.
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import { startCloud, type Cloud } from '../local/cloud.ts';
import { synthesize } from '../local/template/synthesize.ts';
import { buildFunctions } from '../scripts/build.ts';
import { Device } from './device.ts';

interface Options {
  messages: number;
  size: number;
  rounds: number;
  db: string;
  json?: true;
}

const conversationId = 'd:alice:bob';
const scenarios = {
  'one conversation, in vain': { query: 'nowhere', conversationId },
  'all conversations, in vain': { query: 'nowhere' },
  'one conversation, a page of hits': { query: 'xx', conversationId },
  'all conversations, a page of hits': { query: 'xx' },
} as const;

interface Row {
  readonly scenario: string;
  readonly pages: number;
  readonly scanned: number;
  readonly readUnits: number;
  /** The fastest round: the others say what else the machine did. */
  readonly ms: number;
  readonly functionMs: number;
}

const program = new Command('npm run bench:search --')
  .description('Searches a conversation of two users, and tells what it reads and how long it takes.')
  .option('--messages <count>', 'messages that are there', wholeNumber, 3_000)
  .option('--size <characters>', 'of each text', wholeNumber, 100)
  .option('--rounds <count>', 'times that each search is made', wholeNumber, 5)
  .option('--db <engine>', 'as for npm start', 'dynoxide')
  .option('--json', 'print a line of JSON for each row')
  .showHelpAfterError(false);

function wholeNumber(value: string): number {
  const number = Number(value);
  if (Number.isInteger(number) && number > 0) return number;
  throw new InvalidArgumentError('It must be a whole number from 1.');
}

async function connect(cloud: Cloud, userId: string): Promise<Device> {
  const query = new URLSearchParams({ deviceId: 'phone', platform: 'ios' });
  return Device.connect({
    url: `${cloud.url}/${cloud.model.api.stageName}?${query.toString()}`,
    token: await cloud.issueToken(userId),
    acknowledge: 32,
  });
}

async function fill(cloud: Cloud, alice: Device, { messages, size }: Options): Promise<void> {
  const text = 'x'.repeat(size);
  for (let sent = 0; sent < messages; sent += 1) {
    const clientMsgId = randomUUID();
    await alice.request('send', { to: 'user:bob', clientMsgId, type: 'text', body: { text } });
  }
  await cloud.settled();
}

/** To the end, but for what finds: then the first page. */
async function searchOnce(cloud: Cloud, bob: Device, scenario: keyof typeof scenarios): Promise<Row> {
  cloud.resetMetrics();
  const startedAt = performance.now();
  let [pages, scanned] = [0, 0];
  let cursor: unknown;
  do {
    const fields = { ...scenarios[scenario], ...(cursor !== undefined && { cursor }) };
    const answer = await bob.request('search', fields);
    pages += 1;
    scanned += answer['scanned'] as number;
    cursor = (answer['hits'] as unknown[]).length > 0 ? undefined : answer['next'];
  } while (cursor !== undefined);
  const ms = performance.now() - startedAt;
  const { dynamodb, lambda } = cloud.metrics();
  const { readUnits } = dynamodb.byFunction['search']!;
  return { scenario, pages, scanned, readUnits, ms, functionMs: lambda['search']!.durationMs };
}

async function* measure(cloud: Cloud, options: Options): AsyncGenerator<Row> {
  const [bob, alice] = [await connect(cloud, 'bob'), await connect(cloud, 'alice')];
  try {
    await fill(cloud, alice, options);
    for (const scenario of Object.keys(scenarios) as (keyof typeof scenarios)[]) {
      const rows: Row[] = [];
      for (let round = 0; round < options.rounds; round += 1) {
        rows.push(await searchOnce(cloud, bob, scenario));
      }
      yield rows.toSorted((left, right) => left.functionMs - right.functionMs)[0]!;
    }
  } finally {
    await Promise.all([alice.close(), bob.close()]);
  }
}

const tableRow = ([first = '', ...cells]: readonly string[]) =>
  `${first.padEnd(36)}${cells.map((cell) => cell.padStart(16)).join('')}\n`;

function describeRow({ scenario, pages, scanned, readUnits, ms, functionMs }: Row): string {
  const perThousand = (value: number) => ((value / scanned) * 1_000).toFixed(1);
  const cells = [String(pages), String(scanned), readUnits.toFixed(1)];
  return tableRow([scenario, ...cells, perThousand(readUnits), perThousand(functionMs), ms.toFixed(1)]);
}

const heading = ['', 'requests', 'looked at', 'read units', 'units/1,000', 'ms/1,000', 'ms in all'];

try {
  const options = program.parse().opts<Options>();
  const outDirectory = await mkdtemp(join(tmpdir(), 'serverless-im-'));
  try {
    await buildFunctions();
    const context = { settings: JSON.stringify({ searchesPerMinute: 10_000 }) };
    const templatePath = await synthesize({ outDirectory, context });
    const cloud = await startCloud({ templatePath, port: 0, db: options.db });
    try {
      if (!options.json) process.stdout.write(pc.dim(tableRow(heading)));
      for await (const row of measure(cloud, options)) {
        process.stdout.write(options.json ? `${JSON.stringify(row)}\n` : describeRow(row));
      }
    } finally {
      await cloud.close();
    }
  } finally {
    await rm(outDirectory, { recursive: true, force: true });
  }
} catch (error) {
  process.stderr.write(`${pc.red('error')} ${(error as Error).message}\n`);
  process.exitCode = 1;
}
