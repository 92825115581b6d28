// Dead letters of the local cloud's queues, moved back to where they came from.
import { afterEach, describe, expect, it } from 'vitest';
import { TtlDeletions } from '../../../local/dynamodb/ttl.ts';
import { createLocalRedrive } from '../../../local/redrive/local-redrive.ts';
import { moveBack, type DeadLetter } from '../../../local/redrive/dead-letters.ts';
import { setUpQueue, type QueueHandler } from '../event-source/queue-setup.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (let closer = closers.pop(); closer; closer = closers.pop()) await closer();
});

it('what was given up is tried again by its function, once that works', async () => {
  let broken = true;
  const handler: QueueHandler = () => {
    if (broken) throw new Error('not yet');
  };
  const before = ['1', '2', '3'];
  const { model, queues, sources, batches, deadLetters } = await setUpQueue(handler, {
    queue: { visibilityTimeoutMs: 20 },
    functionTimeoutMs: 20,
    maxReceiveCount: 1,
    before,
  });
  await sources.settled();
  expect(deadLetters().toSorted()).toEqual(before);
  expect(queues.messages('DeadLetters')[0]).toMatchObject({ sourceArn: model.chunks.arn });

  broken = false;
  batches.splice(0);
  const redrive = createLocalRedrive({
    model,
    engine: { endpoint: 'http://127.0.0.1:9' },
    queues,
    deletions: new TtlDeletions(),
    invoke: () => expect.fail('the queue invokes the function'),
  });
  closers.push(() => redrive.close());
  expect(await redrive.run()).toEqual({ redriven: 0, records: 0, moved: 3, kept: [] });
  expect(deadLetters()).toEqual([]);
  await sources.settled();
  expect(batches.flat().toSorted()).toEqual(before);
});

describe('a dead letter', () => {
  async function move(letter: DeadLetter, sourceArns: string[], refuses = false) {
    const steps: string[] = [];
    const report = await moveBack({
      queue: {
        async *messages() {
          yield await Promise.resolve(letter);
        },
        remove: async ({ messageId }) => void steps.push(`remove ${messageId}`),
        release: async ({ messageId }) => void steps.push(`release ${messageId}`),
      },
      sourceArns,
      async send(queueArn, body) {
        if (refuses) throw new Error('throttled');
        steps.push(`send ${body} to ${queueArn}`);
      },
    });
    return { report, steps };
  }

  it('is sent before it is removed', async () => {
    const { steps } = await move({ messageId: 'm', body: 'x', sourceArn: 'b' }, ['a', 'b']);
    expect(steps).toEqual(['send x to b', 'remove m']);
  });

  it('of unknown origin goes to the one queue that gives up to this one', async () => {
    const { steps } = await move({ messageId: 'm', body: 'x' }, ['a']);
    expect(steps).toEqual(['send x to a', 'remove m']);
  });

  it('that its queue does not take stays, with the reason', async () => {
    const { report, steps } = await move({ messageId: 'm', body: 'x' }, ['a'], true);
    expect(report).toMatchObject({ moved: 0, kept: [{ messageId: 'm', reason: 'Error: throttled' }] });
    expect(steps).toEqual(['release m']);
  });
});
