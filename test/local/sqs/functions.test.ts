// From one function to another through a queue: our own sender, bundled as it deploys, the endpoint, and the poller.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterEach, expect, it } from 'vitest';
import { startEventSources } from '../../../local/event-source/event-source.ts';
import { Faults } from '../../../local/faults/faults.ts';
import { startFunctions } from '../../../local/functions/functions.ts';
import { createIdentities } from '../../../local/iam/roles.ts';
import { Metering } from '../../../local/metering.ts';
import { startSqs } from '../../../local/sqs/sqs.ts';
import { slimSdk } from '../../../scripts/slim-sdk.ts';
import { nowhere } from '../sandbox.ts';
import { smallQueueModel } from '../small-model.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (let closer = closers.pop(); closer; closer = closers.pop()) await closer();
});

const writer = `
  import { createQueue } from './src/runtime/queues.ts';
  const queue = createQueue('QUEUE_URL');
  export const handler = async ({ bodies }) => await queue.send(bodies.map((body) => ({ body })));`;

/** Fails at "poison", and tells what it got. */
const consumer = `
  export const handler = async ({ Records }) => {
    console.log(JSON.stringify(Records.map(({ body }) => body)));
    const poison = Records.filter(({ body }) => body === 'poison');
    return { batchItemFailures: poison.map(({ messageId }) => ({ itemIdentifier: messageId })) };
  };`;

async function bundle(source: string, outfile: string): Promise<void> {
  await build({
    stdin: { contents: source, resolveDir: process.cwd(), loader: 'ts' },
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    mainFields: ['module', 'main'],
    plugins: [slimSdk().plugin],
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
  });
}

async function setUp(queueOf: (model: ReturnType<typeof smallQueueModel>) => { url: string }) {
  const directory = await mkdtemp(join(tmpdir(), 'sqs-'));
  closers.push(() => rm(directory, { recursive: true }));
  await bundle(writer, join(directory, 'writer.mjs'));
  await writeFile(join(directory, 'consumer.mjs'), consumer);
  const small = smallQueueModel({
    queue: { visibilityTimeoutMs: 3_000 },
    maxReceiveCount: 1,
    source: { reportBatchItemFailures: true },
  });
  const functions = small.functions.map((definition) => ({
    ...definition,
    timeoutMs: 3_000,
    modulePath: join(directory, `${definition.name}.mjs`),
    environment: { QUEUE_URL: queueOf(small).url },
  }));
  const model = { ...small, functions };
  const consumed: string[] = [];
  const write = (source: string, message: string) => {
    if (source === 'consumer' && message.startsWith('[')) consumed.push(...(JSON.parse(message) as string[]));
  };
  const log = { info: write, warn: () => {}, error: (_: string, message: string) => expect.fail(message) };
  const identities = createIdentities(model);
  const metering = new Metering();
  const parts = { model, identities, metering, faults: new Faults(), log };
  const sqs = await startSqs(parts);
  closers.push(() => sqs.close());
  const { invoke, ...functionPool } = startFunctions({
    ...parts,
    endpoints: { ...nowhere, sqs: sqs.url },
  });
  closers.push(() => functionPool.close());
  const engine = { endpoint: nowhere.dynamodb } as Parameters<typeof startEventSources>[0]['engine'];
  const sources = await startEventSources({ ...parts, engine, invoke, queues: sqs.queues });
  closers.push(() => sources.close());
  return {
    invoke,
    sources,
    consumed,
    queues: sqs.queues,
    usage: () => metering.snapshot().sqs.queues['Chunks'],
  };
}

it('what one function sends another one gets, and what it fails at goes to the dead letters', async () => {
  const { invoke, sources, consumed, queues, usage } = await setUp(({ chunks }) => chunks);
  const bodies = ['poison', ...Array.from({ length: 12 }, (_, index) => `chunk ${index}`)];
  expect(await invoke('writer', { bodies })).toMatchObject({ outcome: 'returned' });
  await sources.settled();
  expect(consumed.toSorted()).toEqual(bodies.toSorted());
  expect(queues.messages('DeadLetters').map(({ body }) => body)).toEqual(['poison']);
  expect(usage()).toEqual({ sent: 13, received: 13, deleted: 12, deadLettered: 1, waiting: 0 });
});

it('a function sends to no queue that its role does not name', async () => {
  const { invoke, queues } = await setUp(({ deadLetters }) => deadLetters);
  expect(await invoke('writer', { bodies: ['x'] })).toMatchObject({
    outcome: 'error',
    errorMessage: expect.stringContaining('is not authorized to perform: sqs:SendMessage'),
  });
  expect(queues.messages('DeadLetters')).toEqual([]);
});
