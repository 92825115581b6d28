// What functions take for EventBridge, over HTTP as it is spoken there: JSON 1.1, one target.
import { afterEach, expect, it } from 'vitest';
import { startEventBus, type EventBus } from '../../local/event-bus/event-bus.ts';
import { createIdentities } from '../../local/iam/roles.ts';
import { smallModel } from './small-model.ts';

let bus: EventBus | undefined;
afterEach(async () => bus?.close());

async function setUp() {
  const resources = ['arn:aws:events:us-east-1:000000000000:event-bus/chat'];
  const model = smallModel({
    roles: { consumer: [{ effect: 'Allow', actions: ['events:PutEvents'], resources }] },
  });
  const identities = createIdentities(model);
  const log = { info() {}, warn() {}, error: (_: string, text: string) => expect.fail(text) };
  const started = (bus = await startEventBus({ model, identities, log }));
  const put = async (entries: unknown, headers: Record<string, string> = {}, functionName = 'consumer') => {
    const { accessKeyId } = identities.credentialsFor(functionName, 'test');
    const scope = '20261126/us-east-1/events/aws4_request';
    const response = await fetch(started.url, {
      method: 'POST',
      headers: {
        authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, Signature=0`,
        'x-amz-target': 'AWSEvents.PutEvents',
        ...headers,
      },
      body: JSON.stringify({ Entries: entries }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  return { put, events: () => started.events() };
}

const entry = { EventBusName: 'chat', Source: 'test', DetailType: 'message', Detail: '{"n":1}' };

it('keeps what was put, and says of each entry by itself whether it was taken', async () => {
  const { put, events } = await setUp();
  const { status, body } = await put([
    entry,
    { ...entry, Detail: 'no object' },
    { ...entry, Detail: '{"n":3}' },
  ]);
  expect(status).toBe(200);
  expect(body).toEqual({
    FailedEntryCount: 1,
    Entries: [
      { EventId: expect.any(String) },
      { ErrorCode: 'MalformedDetail', ErrorMessage: expect.any(String) },
      { EventId: expect.any(String) },
    ],
  });
  expect(events().map(({ bus: name, detail }) => [name, detail])).toEqual([
    ['chat', { n: 1 }],
    ['chat', { n: 3 }],
  ]);
});

it('keeps the last thousand', async () => {
  const { put, events } = await setUp();
  for (let n = 0; n < 101; n++) {
    await put(Array.from({ length: 10 }, (_, index) => ({ ...entry, Detail: `{"n":${n * 10 + index}}` })));
  }
  expect(events()).toHaveLength(1_000);
  expect([events()[0]!.detail, events().at(-1)!.detail]).toEqual([{ n: 10 }, { n: 1_009 }]);
});

it.each([
  ['no entry', [], 'ValidationException'],
  ['eleven entries', Array.from({ length: 11 }, () => entry), 'ValidationException'],
  [
    'more than 256 KB',
    Array.from({ length: 9 }, () => ({ ...entry, Detail: `{"text":"${'x'.repeat(30_000)}"}` })),
    'ValidationException',
  ],
  ['a bus that the role does not name', [{ ...entry, EventBusName: 'other' }], 'AccessDeniedException'],
  ['the default bus', [{ ...entry, EventBusName: undefined }], 'AccessDeniedException'],
])('refuses %s', async (_, entries, type) => {
  const { put, events } = await setUp();
  expect(await put(entries)).toMatchObject({ status: 400, body: { __type: type } });
  expect(events()).toEqual([]);
});

it('refuses whom it does not know, who may not, and what it is not', async () => {
  const { put, events } = await setUp();
  const typeOf = async (...call: Parameters<typeof put>) => (await put(...call)).body['__type'];
  expect(await typeOf([entry], {}, 'writer')).toBe('AccessDeniedException');
  expect(await typeOf([entry], { origin: 'https://example.com' })).toBe('AccessDeniedException');
  expect(await typeOf([entry], { authorization: '' })).toBe('MissingAuthenticationTokenException');
  expect(await typeOf([entry], { authorization: 'AWS4-HMAC-SHA256 Credential=nobody/x' })).toBe(
    'UnrecognizedClientException',
  );
  expect(await typeOf([entry], { 'x-amz-target': 'AWSEvents.PutRule' })).toBe('UnknownOperationException');
  expect(events()).toEqual([]);
});
