import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Queues } from '../../../local/sqs/queues.ts';
import { smallModel, smallQueueModel } from '../small-model.ts';

it('messages stay with the data, in the order in which they were sent, until they are deleted', async () => {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'queues-'));
  try {
    const model = smallModel();
    const { arn, name } = model.queues[0]!;
    const first = await Queues.open({ model, dataDirectory });
    await Promise.all(['one', 'two', 'three'].map((body) => first.send(arn, body)));

    const second = await Queues.open({ model, dataDirectory });
    expect(second.messages(name).map(({ body }) => body)).toEqual(['one', 'two', 'three']);
    await second.delete(name, second.messages(name)[1]!.messageId);

    const third = await Queues.open({ model, dataDirectory });
    expect(third.messages(name).map(({ body }) => body)).toEqual(['one', 'three']);
  } finally {
    await rm(dataDirectory, { recursive: true, force: true });
  }
});

it('what is kept is for the user alone', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'queues-'));
  const dataDirectory = join(parent, 'data');
  try {
    const model = smallModel();
    const queues = await Queues.open({ model, dataDirectory });
    await queues.send(model.queues[0]!.arn, 'one');
    expect((await stat(dataDirectory)).mode & 0o777).toBe(0o700);
    expect((await stat(join(dataDirectory, 'queues.json'))).mode & 0o777).toBe(0o600);
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
});

it('a queue that the template does not have is refused', async () => {
  const queues = await Queues.open({ model: smallModel() });
  await expect(queues.send('arn:aws:sqs:us-east-1:000000000000:nowhere', 'x')).rejects.toThrow(
    /No queue .*nowhere/,
  );
});

it('delays and receive counts stay with the data, too', async () => {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'queues-'));
  try {
    let now = 1_000_000;
    const options = { model: smallQueueModel({ maxReceiveCount: 1 }), dataDirectory, clock: () => now };
    const { arn } = options.model.chunks;
    const first = await Queues.open(options);
    await first.send(arn, 'received');
    await first.send(arn, 'delayed', { senderId: 'writer', delayMs: 60_000 });
    first.find(arn)!.receive();
    await first.flush();

    const second = await Queues.open(options);
    expect(second.find(arn)!.receive()).toBeUndefined();
    now += 60_000;
    expect(second.find(arn)!.receive()).toMatchObject({ body: 'delayed', senderId: 'writer' });
    expect(second.find(arn)!.receive()).toBeUndefined();
    expect(second.messages('DeadLetters').map(({ body }) => body)).toEqual(['received']);
    await second.flush();
  } finally {
    await rm(dataDirectory, { recursive: true, force: true });
  }
});

it('messages are gone when their time is over, dead letters counted from when they were sent', async () => {
  let now = 1_000_000;
  const queue = { retentionMs: 60_000, visibilityTimeoutMs: 10_000 };
  const model = smallQueueModel({ queue, maxReceiveCount: 1 });
  const deadLetters = { ...model.deadLetters, retentionMs: 70_000 };
  const queues = await Queues.open({
    model: { ...model, queues: [model.chunks, deadLetters] },
    clock: () => now,
  });
  const chunks = queues.find(model.chunks.arn)!;
  await queues.send(model.chunks.arn, 'poison');
  chunks.receive();
  now += 50_000;
  expect(chunks.receive()).toBeUndefined();
  await queues.send(model.chunks.arn, 'never received');
  now += 19_999;
  expect(queues.messages('DeadLetters')).toHaveLength(1);
  now += 1;
  expect(queues.messages('DeadLetters')).toEqual([]);
  now += 40_000;
  expect(chunks.receive()).toBeUndefined();
  expect(chunks.size).toBe(0);
});
