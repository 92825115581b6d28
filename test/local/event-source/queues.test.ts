import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Queues } from '../../../local/event-source/queues.ts';
import { smallModel } from '../small-model.ts';

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
