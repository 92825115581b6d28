import { describe, expect, it } from 'vitest';
import { itemSizeBytes, writeUnits } from '../../local/dynamodb/capacity.ts';
import { Metering } from '../../local/metering.ts';

describe('metering', () => {
  it('counts a request once in all, once for its function, and in each of its tables', () => {
    const metering = new Metering();
    metering.recordRequest({
      functionName: 'send',
      tables: new Map([
        ['Messages', { readUnits: 0, writeUnits: 2 }],
        ['Users', { readUnits: 0.5, writeUnits: 0 }],
      ]),
    });
    metering.recordRequest({
      functionName: 'sync',
      tables: new Map([['Users', { readUnits: 1, writeUnits: 0 }]]),
    });
    expect(metering.snapshot().dynamodb).toEqual({
      requests: 2,
      readUnits: 1.5,
      writeUnits: 2,
      byFunction: {
        send: { requests: 1, readUnits: 0.5, writeUnits: 2 },
        sync: { requests: 1, readUnits: 1, writeUnits: 0 },
      },
      byTable: {
        Messages: { requests: 1, readUnits: 0, writeUnits: 2 },
        Users: { requests: 2, readUnits: 1.5, writeUnits: 0 },
      },
    });
  });

  it('counts invocations by what they came to', () => {
    const metering = new Metering();
    metering.recordInvocation('send', { durationMs: 10, coldStart: true, outcome: 'returned' });
    metering.recordInvocation('send', { durationMs: 20, coldStart: false, outcome: 'error' });
    metering.recordInvocation('send', { durationMs: 30, coldStart: false, outcome: 'timeout' });
    expect(metering.snapshot().lambda).toEqual({
      send: { invocations: 3, coldStarts: 1, errors: 1, timeouts: 1, throttles: 0, durationMs: 60 },
    });
  });

  // docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
  it('counts a throttled request neither as an invocation nor as an error', () => {
    const metering = new Metering();
    metering.recordInvocation('send', { durationMs: 0, coldStart: false, outcome: 'throttled' });
    expect(metering.snapshot().lambda['send']).toMatchObject({ invocations: 0, errors: 0, throttles: 1 });
  });

  it('bills messages in steps of 32 KB, an empty one as one', () => {
    const metering = new Metering();
    for (const sizeBytes of [0, 1, 32 * 1024, 32 * 1024 + 1]) metering.recordMessageIn(sizeBytes);
    metering.recordMessageOut(100_000);
    expect(metering.snapshot().gateway).toMatchObject({
      messagesIn: 4,
      messageUnitsIn: 5,
      messagesOut: 1,
      messageUnitsOut: 4,
    });
  });

  it('counts connection minutes, and keeps the connections through a reset', () => {
    let now = 0;
    const metering = new Metering(() => now);
    metering.recordConnectionOpened('a');
    metering.recordConnectionOpened('b');
    now = 60_000;
    metering.recordConnectionClosed('a');
    metering.recordConnectionClosed('a');
    expect(metering.snapshot().gateway).toMatchObject({ connections: 1, connectionMinutes: 2 });
    metering.reset();
    now = 90_000;
    expect(metering.snapshot().gateway).toMatchObject({ connections: 1, connectionMinutes: 0.5 });
  });

  it('counts what happens to the messages of queues, and keeps what waits through a reset', () => {
    const metering = new Metering();
    metering.recordWaiting('Empty', 0);
    metering.recordWaiting('Chunks', 2);
    for (const kind of ['sent', 'sent', 'received', 'deleted', 'deadLettered'] as const) {
      metering.recordQueue('Chunks', kind);
    }
    const nothing = { sent: 0, received: 0, deleted: 0, deadLettered: 0 };
    expect(metering.snapshot().sqs.queues).toEqual({
      Empty: { ...nothing, waiting: 0 },
      Chunks: { sent: 2, received: 1, deleted: 1, deadLettered: 1, waiting: 2 },
    });
    metering.reset();
    expect(metering.snapshot().sqs.queues['Chunks']).toEqual({ ...nothing, waiting: 2 });
  });

  it('starts from zero after a reset, and gives out copies', () => {
    const metering = new Metering();
    metering.recordRequest({ functionName: 'f', tables: new Map([['T', { readUnits: 1, writeUnits: 1 }]]) });
    metering.recordInvocation('f', { durationMs: 1, coldStart: true, outcome: 'returned' });
    metering.recordGone();
    metering.recordEvents('e', 'polled', 3);
    const before = metering.snapshot();
    metering.reset();
    expect(before.dynamodb.byTable['T']?.requests).toBe(1);
    expect(before.eventSources['e']?.polled).toBe(3);
    expect(metering.snapshot()).toMatchObject({
      dynamodb: { requests: 0, byFunction: {}, byTable: {} },
      lambda: {},
      gateway: { gone: 0 },
      eventSources: {},
    });
  });
});

const item = (sizeBytes: number) => ({ p: { S: 'x'.repeat(sizeBytes - 1) } });

// DynamoDB developer guide, "Item sizes and formats".
describe('item sizes', () => {
  it.each([
    ['text in UTF-8', { S: 'é€😀' }, 9],
    ['zero', { N: '0' }, 1],
    [
      'a number: a byte per two significant digits, and one',
      { N: '12345678901234567890123456789012345678' },
      20,
    ],
    ['digits in pairs from the decimal point', { N: '1.5' }, 3],
    ['a negative number: one byte more', { N: '-12' }, 3],
    ['trailing zeros: nothing', { N: '1000000' }, 2],
    ['binary: its bytes', { B: 'AAAAAAA=' }, 5],
    ['a boolean', { BOOL: false }, 1],
    ['null', { NULL: true }, 1],
    ['a set: its elements', { SS: ['a', 'bc'] }, 3],
    ['an empty list: three bytes', { L: [] }, 3],
    ['a list: one byte more per element', { L: [{ S: 'a' }, { S: 'b' }] }, 7],
    ['a map: one byte more per entry', { M: { ab: { S: 'cd' }, ef: { N: '1' } } }, 13],
    ['documents in documents', { L: [{ M: { a: { L: [{ S: 'x' }] } } }] }, 14],
  ])('%s', (_, value, sizeBytes) => {
    expect(itemSizeBytes({ name: value })).toBe('name'.length + sizeBytes);
  });

  it('make write units: 1 KB begun each, one at least, of the larger image', () => {
    expect(writeUnits(undefined)).toBe(1);
    expect(writeUnits(item(1024))).toBe(1);
    expect(writeUnits(item(1025))).toBe(2);
    expect(writeUnits(item(10), item(2500))).toBe(3);
  });
});
