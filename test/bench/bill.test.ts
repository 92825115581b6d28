// The published formula: from meters to USD per million messages.
import { expect, it } from 'vitest';
import { billOf, usageOf, type Usage } from '../../bench/bill.ts';
import { prices } from '../../bench/prices.ts';
import { Metering } from '../../local/metering.ts';

const nothing: Usage = {
  messages: 1,
  gatewayMessagesIn: 0,
  gatewayMessagesOut: 0,
  connectionMinutes: 0,
  writeUnits: 0,
  readUnits: 0,
  invocations: 0,
  gigabyteSeconds: 0,
  queueRequests: 0,
};

/** USD per million of each, as the price pages say it. */
it.each([
  ['gatewayMessagesIn', 1],
  ['gatewayMessagesOut', 1],
  ['connectionMinutes', 0.25],
  ['writeUnits', 0.625],
  ['readUnits', 0.125],
  ['invocations', 0.2],
  ['gigabyteSeconds', 13.3334],
  ['queueRequests', 0.4],
] as const)('a million messages that take one of %s each cost $%d', (item, usd) => {
  const bill = billOf({ ...nothing, messages: 500, [item]: 500 }, prices);
  expect(bill.usdPerMillionMessages).toBeCloseTo(usd, 6);
  expect(bill.lines.filter(({ share }) => share > 0)).toHaveLength(1);
});

it('lines add up to the total, and shares to one', () => {
  const usage = {
    ...nothing,
    messages: 1000,
    gatewayMessagesIn: 1000,
    gatewayMessagesOut: 4000,
    writeUnits: 5000,
  };
  const { lines, usdPerMillionMessages } = billOf(usage, prices);
  expect(usdPerMillionMessages).toBeCloseTo(1 + 4 + 3.125, 6);
  expect(lines.reduce((total, line) => total + line.usdPerMillionMessages, 0)).toBeCloseTo(8.125, 6);
  expect(lines.reduce((total, { share }) => total + share, 0)).toBeCloseTo(1, 9);
  expect(lines.find(({ item }) => item === 'Gateway messages out')).toMatchObject({ perMessage: 4 });
});

it('no usage costs nothing, and has no shares', () => {
  const { lines, usdPerMillionMessages } = billOf(nothing, prices);
  expect(usdPerMillionMessages).toBe(0);
  expect(lines.every(({ share }) => share === 0)).toBe(true);
});

it('takes units of 32 KB, connection minutes, request units and what queues were sent from the meters; and the duration as assumed', () => {
  let now = 0;
  const metering = new Metering(() => now);
  metering.recordConnectionOpened('a');
  metering.recordMessageIn(33 * 1024);
  metering.recordMessageOut(100);
  metering.recordRequest({
    functionName: 'send',
    tables: new Map([['Users', { readUnits: 0.5, writeUnits: 2 }]]),
  });
  for (const functionName of ['send', 'send', 'fan-out'])
    metering.recordInvocation(functionName, { durationMs: 12_345, coldStart: false, outcome: 'returned' });
  for (const queue of ['Notifications', 'GroupTasks']) metering.recordWaiting(queue, 1);
  for (const kind of ['sent', 'sent', 'received', 'deleted'] as const)
    metering.recordQueue('Notifications', kind);
  metering.recordQueue('GroupTasks', 'sent');
  now = 90_000;

  const functions = [
    { name: 'send', memoryMb: 512 },
    { name: 'fan-out', memoryMb: 2048 },
    { name: 'sync', memoryMb: 1024 },
  ];
  // Lambda bills whole milliseconds: 9.2 is 10.
  expect(usageOf(metering.snapshot(), functions, 7, 9.2)).toEqual({
    messages: 7,
    gatewayMessagesIn: 2,
    gatewayMessagesOut: 1,
    connectionMinutes: 1.5,
    writeUnits: 2,
    readUnits: 0.5,
    invocations: 3,
    gigabyteSeconds: (2 * 0.5 + 1 * 2) * 0.01,
    // What was sent is received and deleted, sooner or later.
    queueRequests: 3 * 3,
  });
});

it('every price says where and when it was read', () => {
  for (const { usd, source, asOf } of Object.values(prices)) {
    expect(usd).toBeGreaterThan(0);
    expect(source).toMatch(/^https:\/\/aws\.amazon\.com\//);
    expect(asOf).toMatch(/^\d{4}-\d{2}$/);
  }
});
