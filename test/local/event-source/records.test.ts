import { describe, expect, it } from 'vitest';
import { setUp, item, succeed } from './setup.ts';

describe('a record', () => {
  // API_streams_Record; Lambda developer guide, "Using AWS Lambda with Amazon DynamoDB".
  it('has the shape of AWS, an ARN of the template and a time in seconds', async () => {
    const { records, sources, model, write } = await setUp(succeed);
    await write('PutItem', { Item: { ...item(101), Message: { S: 'New item!' } } });
    await sources.settled();
    expect(records).toEqual([
      {
        eventID: expect.stringMatching(/^[0-9a-f]{32}$/),
        eventName: 'INSERT',
        eventVersion: '1.1',
        eventSource: 'aws:dynamodb',
        awsRegion: 'us-east-1',
        dynamodb: {
          ApproximateCreationDateTime: expect.any(Number),
          Keys: item(101),
          NewImage: { ...item(101), Message: { S: 'New item!' } },
          SequenceNumber: expect.stringMatching(/^\d+$/),
          // Keys: 2+1 and 2+3. Image: the same, and 7+9.
          SizeBytes: 8 + 8 + 16,
          StreamViewType: 'NEW_IMAGE',
        },
        eventSourceARN: model.orders.stream?.arn,
      },
    ]);
    const { ApproximateCreationDateTime: seconds } = records[0]!.dynamodb;
    expect(Number.isInteger(seconds)).toBe(true);
    expect(Math.abs(seconds - Date.now() / 1000)).toBeLessThan(120);
  });

  it.each([
    ['KEYS_ONLY', [[], [], []]],
    ['NEW_IMAGE', [['NewImage'], ['NewImage'], []]],
    ['OLD_IMAGE', [[], ['OldImage'], ['OldImage']]],
    ['NEW_AND_OLD_IMAGES', [['NewImage'], ['NewImage', 'OldImage'], ['OldImage']]],
  ])('carries the images of the view type %s', async (viewType, images) => {
    const { records, sources, write } = await setUp(succeed, { viewType });
    await write('PutItem', { Item: item(1) });
    await write('PutItem', { Item: { ...item(1), changed: { BOOL: true } } });
    await write('DeleteItem', { Key: item(1) });
    await sources.settled();
    expect(records.map(({ eventName }) => eventName)).toEqual(['INSERT', 'MODIFY', 'REMOVE']);
    const present = records.map(({ dynamodb }) =>
      Object.keys(dynamodb)
        .filter((name) => name.endsWith('Image'))
        .toSorted(),
    );
    expect(present).toEqual(images);
    expect(records[0]?.dynamodb.StreamViewType).toBe(viewType);
  });

  // AWS-FACTS §2.1: idempotent rewrites that change nothing produce no stream record.
  it('is not made of a write that changes nothing', async () => {
    const { batches, sources, put } = await setUp(succeed);
    await put(1, 1, 2);
    await sources.settled();
    expect(batches.flat()).toEqual(['1', '2']);
  });

  it('does not arrive when no filter lets it pass', async () => {
    const filters = [
      { eventName: ['INSERT'], dynamodb: { NewImage: { kind: { S: [{ exists: true }] } } } },
      { eventName: ['REMOVE'] },
    ];
    const { records, batches, metering, sources, write } = await setUp(succeed, { eventSource: { filters } });
    await write('PutItem', { Item: item(1) });
    await write('PutItem', { Item: { ...item(2), kind: { S: 'x' } } });
    await write('DeleteItem', { Key: item(1) });
    await sources.settled();
    expect(records.map(({ eventName }) => eventName)).toEqual(['INSERT', 'REMOVE']);
    expect(batches.flat()).toEqual(['2', '1']);
    expect(metering.snapshot().eventSources['orders-to-consumer']).toMatchObject({
      polled: 3,
      filteredOut: 1,
      invoked: 2,
    });
  });
});

describe('where reading begins', () => {
  it('TRIM_HORIZON: with what is there', async () => {
    const { batches, sources, put } = await setUp(succeed, { before: ({ put: earlier }) => earlier(1, 2) });
    await put(3);
    await sources.settled();
    expect(batches.flat()).toEqual(['1', '2', '3']);
  });

  it('LATEST: with what comes', async () => {
    const { batches, sources, put } = await setUp(succeed, {
      eventSource: { startingPosition: 'LATEST' },
      before: ({ put: earlier }) => earlier(1, 2),
    });
    await put(3);
    await sources.settled();
    expect(batches.flat()).toEqual(['3']);
  });

  it('a nudge is enough, and nobody need nudge', async () => {
    const { sources, batches, model } = await setUp(succeed, { before: ({ put }) => put(1) });
    sources.nudge(model.orders.tableName);
    sources.nudge('another-table');
    await sources.settled();
    expect(batches.flat()).toEqual(['1']);
  });
});
