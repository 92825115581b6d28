// Lambda developer guide, "Using Lambda with Amazon SQS": what the event source mapping of a queue does.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { bodiesOf, gate, setUpQueue, throttled, type QueueHandler } from './queue-setup.ts';

const succeed: QueueHandler = () => undefined;
/** Comes back at once, or nearly. */
const soon = { queue: { visibilityTimeoutMs: 20 }, functionTimeoutMs: 20 };

describe('messages of a queue', () => {
  it('reach the function in the form that Lambda gives them, once, and are deleted', async () => {
    const { send, sources, records, model, usage } = await setUpQueue(succeed);
    const { messageId, sentAt } = await send('{"chunk":1}');
    await sources.settled();
    expect(records).toEqual([
      {
        messageId,
        receiptHandle: expect.any(String),
        body: '{"chunk":1}',
        attributes: {
          ApproximateReceiveCount: '1',
          SentTimestamp: String(sentAt),
          SenderId: 'writer-role:writer',
          ApproximateFirstReceiveTimestamp: expect.stringMatching(/^\d{13}$/),
        },
        messageAttributes: {},
        md5OfBody: createHash('md5').update('{"chunk":1}').digest('hex'),
        eventSource: 'aws:sqs',
        eventSourceARN: model.chunks.arn,
        awsRegion: 'us-east-1',
      },
    ]);
    expect(usage()).toEqual({ sent: 1, received: 1, deleted: 1, deadLettered: 0, waiting: 0 });
  });

  it('come in batches of the size that the mapping names', async () => {
    const before = ['1', '2', '3', '4', '5'];
    const { sources, batches } = await setUpQueue(succeed, { source: { batchSize: 2 }, before });
    await sources.settled();
    expect(batches).toEqual([['1', '2'], ['3', '4'], ['5']]);
  });

  it('come in no larger batch than the payload of an invocation has room for', async () => {
    const before = Array.from({ length: 8 }, (_, index) => `${index}${'x'.repeat(1024 * 1024 - 1)}`);
    const { sources, batches } = await setUpQueue(succeed, { before });
    await sources.settled();
    expect(batches.map(({ length }) => length)).toEqual([5, 3]);
  });

  it('wait out their delay, and those without go ahead', async () => {
    const { send, sources, batches, usage } = await setUpQueue(succeed);
    await send('late', 30);
    expect(usage()).toMatchObject({ waiting: 1, received: 0 });
    await send('early');
    await sources.settled({ delayed: true });
    expect(batches).toEqual([['early'], ['late']]);
  });

  it('have the delay of the queue where they name none', async () => {
    const { send, sources, batches } = await setUpQueue(succeed, { queue: { delayMs: 30 } });
    await send('late');
    await send('early', 0);
    await sources.settled({ delayed: true });
    expect(batches).toEqual([['early'], ['late']]);
  });

  it('are gathered for as long as the window is open', async () => {
    const { send, sources, batches } = await setUpQueue(succeed, {
      source: { batchSize: 100, batchingWindowMs: 200 },
    });
    for (const body of ['1', '2', '3']) await send(body);
    await send('4', 20);
    await sources.settled();
    expect(batches).toEqual([['1', '2', '3', '4']]);
  });

  it('are not gathered any longer once the batch is full', async () => {
    const { send, sources, batches } = await setUpQueue(succeed, {
      source: { batchSize: 2, batchingWindowMs: 100_000 },
    });
    await send('1');
    await send('2');
    await sources.settled();
    expect(batches).toEqual([['1', '2']]);
  });

  it('that no filter lets through are deleted unseen', async () => {
    const { sources, batches, usage } = await setUpQueue(succeed, {
      source: { filters: [{ body: { kind: ['chunk'] } }] },
      before: ['{"kind":"chunk"}', '{"kind":"other"}', 'no JSON'],
    });
    await sources.settled();
    expect(batches).toEqual([['{"kind":"chunk"}']]);
    expect(usage()).toMatchObject({ deleted: 3, waiting: 0 });
  });
});

describe('messages that fail', () => {
  it('come back after the visibility timeout, counted, and in the end go to the dead letters', async () => {
    const { send, sources, records, deadLetters, usage } = await setUpQueue(
      () => {
        throw new Error('poison');
      },
      { ...soon, maxReceiveCount: 3 },
    );
    await send('poison');
    await sources.settled();
    const counts = records.map(({ attributes }) => attributes.ApproximateReceiveCount);
    expect(counts).toEqual(['1', '2', '3']);
    expect(new Set(records.map(({ messageId }) => messageId)).size).toBe(1);
    expect(new Set(records.map(({ receiptHandle }) => receiptHandle)).size).toBe(3);
    expect(deadLetters()).toEqual(['poison']);
    expect(usage()).toEqual({ sent: 1, received: 3, deleted: 0, deadLettered: 1, waiting: 0 });
  });

  it('take their whole batch with them, unless the function tells which they are', async () => {
    const failOnce = (report: boolean): QueueHandler => {
      let failed = false;
      return (records) => {
        const poison = records.find(({ body }) => body === '2');
        if (!poison || failed) return undefined;
        failed = true;
        if (report) return { batchItemFailures: [{ itemIdentifier: poison.messageId }] };
        throw new Error('poison');
      };
    };
    const before = ['1', '2', '3'];
    const whole = await setUpQueue(failOnce(false), { ...soon, before });
    await whole.sources.settled();
    expect(whole.batches.flat().toSorted()).toEqual(['1', '1', '2', '2', '3', '3']);

    const source = { reportBatchItemFailures: true };
    const partial = await setUpQueue(failOnce(true), { ...soon, before, source });
    await partial.sources.settled();
    expect(partial.batches.flat().toSorted()).toEqual(['1', '2', '2', '3']);
  });

  it.each([
    ['an id that is not in the batch', { batchItemFailures: [{ itemIdentifier: 'nobody' }] }, 2],
    ['an empty id', { batchItemFailures: [{ itemIdentifier: '' }] }, 2],
    ['another key', { batchItemFailures: [{ messageId: 'x' }] }, 2],
    ['no list', { batchItemFailures: 'all' }, 2],
    ['an empty list', { batchItemFailures: [] }, 1],
    ['null', null, 1],
  ])('partly, told by %s', async (_, answer, deliveries) => {
    const { sources, batches } = await setUpQueue(() => answer, {
      ...soon,
      before: ['1'],
      maxReceiveCount: 2,
      source: { reportBatchItemFailures: true },
    });
    await sources.settled();
    expect(batches).toHaveLength(deliveries);
  });

  it('because the function is throttled are tried again while they are hidden, and not received again', async () => {
    let calls = 0;
    const { sources, records, deadLetters, usage } = await setUpQueue(
      () => {
        calls += 1;
        return calls < 3 ? throttled : undefined;
      },
      { before: ['1'], maxReceiveCount: 1 },
    );
    await sources.settled();
    expect(records.map(({ attributes }) => attributes.ApproximateReceiveCount)).toEqual(['1', '1', '1']);
    expect(deadLetters()).toEqual([]);
    expect(usage()).toMatchObject({ received: 1, deleted: 1 });
  });

  it('whose function takes longer than they are hidden come twice, and the first receipt deletes nothing', async () => {
    const second = gate();
    let calls = 0;
    const { sources, records, usage } = await setUpQueue(
      async () => {
        calls += 1;
        if (calls === 1) return await second.opened;
        return second.open();
      },
      { ...soon, before: ['1'], maxReceiveCount: 5 },
    );
    await sources.settled();
    expect(records.map(({ attributes }) => attributes.ApproximateReceiveCount).slice(0, 2)).toEqual([
      '1',
      '2',
    ]);
    expect(usage()).toMatchObject({ deleted: 1, waiting: 0 });
  });
});

describe('the concurrency of the mapping', () => {
  it.each([
    [2, { maximumConcurrency: 2 }],
    [5, {}],
  ])('is %i batches at the same time', async (limit, concurrency) => {
    const all = gate();
    let busy = 0;
    let most = 0;
    const { sources, usage } = await setUpQueue(
      async () => {
        busy += 1;
        most = Math.max(most, busy);
        if (busy === limit) all.open();
        await all.opened;
        // Whoever is above the limit would come in now.
        await new Promise((resolve) => setImmediate(resolve));
        busy -= 1;
      },
      {
        source: { batchSize: 1, ...concurrency },
        before: Array.from({ length: 12 }, (_, index) => String(index)),
      },
    );
    await all.opened;
    expect(usage()?.received).toBe(limit);
    await sources.settled();
    expect(most).toBe(limit);
  });
});

describe('settling', () => {
  it('waits for no message that is delayed, unless it is asked to', async () => {
    const { send, sources, batches, usage } = await setUpQueue(succeed);
    await send('late', 900_000);
    await send('soon');
    await sources.settled();
    expect(batches).toEqual([['soon']]);
    expect(usage()).toMatchObject({ waiting: 1 });
  });

  it('waits for one that was received and comes back', async () => {
    let calls = 0;
    const failOnce: QueueHandler = () => {
      calls += 1;
      if (calls === 1) throw new Error('not yet');
    };
    const { send, sources, batches } = await setUpQueue(failOnce, soon);
    await send('again');
    await send('late', 900_000);
    await sources.settled();
    expect(batches).toEqual([['again'], ['again']]);
  });
});

describe('closing', () => {
  it('waits for what is at work, and for nothing that is delayed or waits', async () => {
    const [started, finish] = [gate(), gate()];
    const { send, sources, batches, usage } = await setUpQueue(
      async () => {
        started.open();
        await finish.opened;
      },
      { source: { batchSize: 1, maximumConcurrency: 2 }, before: ['1', '2', '3'] },
    );
    await send('late', 900_000);
    await started.opened;
    const [closed, settled] = [sources.close(), sources.settled()];
    finish.open();
    await closed;
    await settled;
    expect(batches).toEqual([['1'], ['2']]);
    expect(usage()).toMatchObject({ deleted: 2, waiting: 2 });
  });

  it('does not wait for a batching window, nor for a fault that delays', async () => {
    const window = { source: { batchSize: 100, batchingWindowMs: 300_000 } };
    const plan = { seed: 1, stream: { delayMs: [300_000, 300_000] } };
    for (const options of [window, { plan }]) {
      const { sources, usage, batches } = await setUpQueue(succeed, { ...options, before: ['1'] });
      await sources.close();
      expect(batches).toEqual([]);
      expect(usage()).toMatchObject({ received: 1, waiting: 1 });
    }
  });
});

describe('a mapping that AWS would not create', () => {
  it.each(['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes'])(
    'is refused at the start: a role that lacks %s',
    async (missing) => {
      const actions = ['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes']
        .filter((action) => action !== missing)
        .map((action) => `sqs:${action}`);
      await expect(
        setUpQueue(succeed, { statements: [{ effect: 'Allow', actions, resources: ['*'] }] }),
      ).rejects.toThrow(
        new RegExp(
          `Event source chunks-to-consumer: .* not authorized to perform: sqs:${missing} on resource: `,
        ),
      );
    },
  );

  it('is refused at the start: messages that would come back before their function must be done', async () => {
    await expect(
      setUpQueue(succeed, { queue: { visibilityTimeoutMs: 9_000 }, functionTimeoutMs: 10_000 }),
    ).rejects.toThrow(/Queue visibility timeout: 9 seconds is less than Function timeout: 10 seconds/);
  });
});

describe('faults', () => {
  const before = Array.from({ length: 20 }, (_, index) => String(index));

  it('duplicate: what was processed comes once more', async () => {
    const plan = { seed: 1, stream: { singly: false, duplicate: 1 } };
    const { sources, batches, faults } = await setUpQueue(succeed, { before: ['1', '2'], plan });
    await sources.settled();
    expect(batches).toEqual([
      ['1', '2'],
      ['1', '2'],
    ]);
    expect(faults.injected()).toEqual({ 'stream.duplicate': 2 });
  });

  it('reorder and delay: one at a time, some after the one behind them, none lost', async () => {
    const plan = { seed: 1, stream: { reorder: true, delayMs: [0, 2] } };
    const { sources, batches } = await setUpQueue(succeed, { before, plan });
    await sources.settled();
    expect(batches.every(({ length }) => length === 1)).toBe(true);
    expect(batches.flat()).not.toEqual(before);
    expect(batches.flat().toSorted()).toEqual(before.toSorted());
  });

  it('repeat with their seed', async () => {
    const runs = [];
    for (let run = 0; run < 2; run += 1) {
      const plan = { seed: 7, stream: { reorder: true, duplicate: 0.3 } };
      const { sources, records, faults } = await setUpQueue(succeed, { before, plan });
      await sources.settled();
      runs.push({ order: bodiesOf(records), injections: faults.log() });
    }
    expect(runs[1]).toEqual(runs[0]);
  });
});
