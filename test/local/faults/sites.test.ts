import { describe, expect, it } from 'vitest';
import { accessesOf } from '../../../local/dynamodb/requests.ts';
import {
  deviceSite,
  invocationSite,
  messageSite,
  recordSite,
  requestSite,
} from '../../../local/faults/sites.ts';
import type { StreamRecord } from '../../../local/event-source/stream-record.ts';
import { smallModel } from '../small-model.ts';

const { orders, notes } = smallModel();
const tables = new Map([orders, notes].map((table) => [table.tableName, table]));
const key = (pk: string, sk: number) => ({ sk: { N: String(sk) }, pk: { S: pk } });
const siteOf = (operation: string, input: Record<string, unknown>) =>
  requestSite('send', operation, accessesOf(operation, input), tables);
const record = (pk: string, sk: number) =>
  ({ eventName: 'INSERT', dynamodb: { Keys: key(pk, sk), SequenceNumber: '17' } }) as unknown as StreamRecord;

describe('a request', () => {
  it('is named by function, operation, table and key, whatever the table is called and the item holds', () => {
    const Item = { ...key('alice', 1), at: { N: '1795349251' } };
    expect(siteOf('PutItem', { TableName: orders.tableName, Item })).toBe('send PutItem Orders/alice/1');
    expect(siteOf('GetItem', { TableName: orders.tableName, Key: key('alice', 1) })).toBe(
      'send GetItem Orders/alice/1',
    );
  });

  it('of several items is named by all of them, in no particular order', () => {
    const batch = (sortKeys: number[]) => ({
      RequestItems: {
        [notes.tableName]: { Keys: [key('x', 9)] },
        [orders.tableName]: { Keys: sortKeys.map((sk) => key('a', sk)) },
      },
    });
    const site = 'send BatchGetItem Notes/x/9 Orders/a/1 Orders/a/2';
    expect(siteOf('BatchGetItem', batch([1, 2]))).toBe(site);
    expect(siteOf('BatchGetItem', batch([2, 1]))).toBe(site);
  });

  it('is not named by connections, which have another id in each run', () => {
    const Key = { pk: { S: 'watch#PJqB0fHsqRcCHlw=' }, sk: { N: '1' } };
    expect(siteOf('DeleteItem', { TableName: orders.tableName, Key })).toBe(
      'send DeleteItem Orders/watch#<connection>/1',
    );
  });
});

describe('an invocation', () => {
  const requestContext = {
    routeKey: 'send',
    connectionId: 'PJqB0fHsqRcCHlw=',
    requestId: 'x',
    authorizer: { principalId: 'alice', deviceId: 'phone' },
  };

  it('by a message is named by device and clientMsgId; a repeat has another id', () => {
    const event = (id: string) => ({ requestContext, body: JSON.stringify({ id, clientMsgId: 'm-1' }) });
    expect(invocationSite('send', event('1'))).toBe('send send alice/phone m-1');
    expect(invocationSite('send', event('2'))).toBe('send send alice/phone m-1');
  });

  it.each([
    ['a frame that is no JSON', { requestContext, body: '{' }, 'send send alice/phone'],
    ['a frame that is null', { requestContext, body: 'null' }, 'send send alice/phone'],
    ['no event', null, 'send /'],
    [
      'a handshake',
      { requestContext: { routeKey: '$connect' }, queryStringParameters: { deviceId: 'pad' } },
      'send $connect /pad',
    ],
  ])('is named as well as can be: %s', (_, event, site) => {
    expect(invocationSite('send', event)).toBe(site);
  });

  it('by a batch is named by its records, in whatever order and from whatever run', () => {
    const batch = (...records: StreamRecord[]) => invocationSite('fan-out', { Records: records });
    expect(batch(record('a', 1))).toBe('fan-out INSERT a/1');
    const [one, two, three] = [record('a', 1), record('b', 2), record('c', 3)];
    expect(batch(one, two)).toMatch(/^fan-out INSERT a\/1 and 1 more \d+$/);
    expect(batch(two, one)).toBe(batch(one, two));
    expect(batch(one, three)).not.toBe(batch(one, two));
  });
});

it('a record is named by its source and its key, a device by its user', () => {
  expect(recordSite('to-fan-out', record('a', 1))).toBe('to-fan-out INSERT a/1');
  const client = { connectionId: 'x', userId: 'alice', deviceId: 'phone', platform: 'ios' };
  expect(deviceSite(client)).toBe('alice/phone');
});

describe('a message of a queue', () => {
  it('is named by what it says, save connection ids, and so is its invocation', () => {
    const message = (connectionId: string) => ({ body: `{"to":"${connectionId}"}` });
    const site = messageSite('chunks', message('PJqB0fHsqRcCHlw='));
    expect(site).toMatch(/^chunks message \d+$/);
    expect(messageSite('chunks', message('AAAB0fHsqRcCHlw='))).toBe(site);
    expect(messageSite('chunks', { body: 'other' })).not.toBe(site);
    const Records = [message('PJqB0fHsqRcCHlw=')];
    expect(invocationSite('worker', { Records })).toBe(site.replace('chunks', 'worker'));
  });
});
