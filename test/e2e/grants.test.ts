// I10: while everything is used that the functions do, each request is noted. Sent again, each is let through, so no grant
// is missing; and when each grant is taken away in turn, a request that was made is refused, so none is superfluous.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import type { CloudModel, PolicyStatement } from '../../local/model.ts';
import type { FunctionRequest } from '../../local/iam/roles.ts';
import { synthesize } from '../../local/template/synthesize.ts';
import { connect, type TestClient } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';
import { askForPlace, fetchFile, sendPicture, uploadFile } from '../support/files.ts';
import { TestBackend } from '../support/service.ts';
import { startServices, type Services } from '../support/services.ts';
import { startWebhookServer, type WebhookServer } from '../support/webhook-server.ts';

let requests: readonly FunctionRequest[];
let cloud: Cloud;
let services: Services;
let webhook: WebhookServer;
let hook: WebhookServer;
let directory: string;

beforeAll(async () => {
  const seen: FunctionRequest[] = [];
  webhook = await startWebhookServer();
  hook = await startWebhookServer();
  directory = await mkdtemp(join(tmpdir(), 'serverless-im-'));
  // What it answers is none: the message passes.
  const context = { pushWebhookUrl: webhook.url, beforeSendUrl: hook.url, afterSendUrl: hook.url };
  const settings = {
    settleMs: 0,
    writeFanoutLimit: 3,
    recipientsPerInvocation: 2,
    headsIntervalMs: 1_000,
    notifyDelayMs: 1_000,
    ackTimeoutMs: 1_000,
    workSliceMs: 0,
  };
  cloud = await startCloud({
    templatePath: await synthesize({ outDirectory: directory, context }),
    onRequest: (request) => seen.push(request),
    environment: { IM_SETTINGS: JSON.stringify(settings) },
  });
  await runEverything();
  await cloud.settled({ delayed: true });
  // What is sent again is written to the stream again, and heard of: that is not to be sent a third time.
  requests = [...seen];
  services = await startServices(cloud.model, cloud.dynamoDbEndpoint);
});
afterAll(async () => {
  await services?.close();
  await cloud?.close();
  await webhook?.close();
  await hook?.close();
  await rm(directory, { recursive: true, force: true });
});

/** What Lambda itself does with a role and the local cloud has no need of. */
const unused = /^logs:/;
/** What Lambda itself asks for: whoever may not is refused the event source. */
const ofEventSources =
  /^dynamodb:(DescribeStream|GetRecords|GetShardIterator|ListStreams)$|^sqs:(ReceiveMessage|DeleteMessage|GetQueueAttributes)$/;
const isOfEventSource = ({ action, resource }: Grant) =>
  ofEventSources.test(action) || (action === 'sqs:SendMessage' && resource.includes('FanOutFailures'));

interface Grant {
  readonly functionName: string;
  readonly statement: number;
  readonly action: string;
  readonly resource: string;
}

function grantsOf(model: CloudModel): Grant[] {
  return model.functions.flatMap(({ name, role }) =>
    role.statements.flatMap(({ actions, resources }, statement) =>
      actions.flatMap((action) =>
        resources.map((resource) => ({ functionName: name, statement, action, resource })),
      ),
    ),
  );
}

/** The model without one action on one resource. */
function withoutGrant(model: CloudModel, grant: Grant): CloudModel {
  const reduce = (statement: PolicyStatement): PolicyStatement[] => {
    const { actions, resources } = statement;
    return [
      { ...statement, actions: actions.filter((action) => action !== grant.action) },
      { ...statement, actions: [grant.action], resources: resources.filter((arn) => arn !== grant.resource) },
    ];
  };
  const functions = model.functions.map((definition) => {
    if (definition.name !== grant.functionName) return definition;
    const { role } = definition;
    const statements = role.statements.flatMap((statement, index) =>
      index === grant.statement ? reduce(statement) : [statement],
    );
    return { ...definition, role: { ...role, statements } };
  });
  return { ...model, functions };
}

const expiringActions = [
  'send',
  'sync',
  'history',
  'device',
  'unknown',
  'recall',
  'unread',
  'settings',
  'members',
  'profile',
  'presence',
  'search',
  'upload',
];
/** Groups that are written to at once, in parts, and to whoever looks; and how they end. */
async function useGroups(alice: TestClient, bob: TestClient): Promise<void> {
  for (const userId of ['fred', 'gina']) await connect(cloud, userId);
  await bob.request('device', { pushToken: 'token of the group' });
  const away = await connect(cloud, 'gina', { deviceId: 'pad', platform: 'web' });
  await away.request('device', { pushToken: 'token of who is away' });
  await away.close();
  const make = async (clientGroupId: string, members: string[]) =>
    (await alice.request('createGroup', { clientGroupId, title: 'All', members }))[
      'conversationId'
    ] as string;

  const small = await make('small-group', ['bob']);
  await alice.send(small, 'psst', { ephemeral: true });
  await alice.send(small, 'a first message');
  await bob.request('receipts', { conversationId: small, seq: 2 });
  await alice.request('updateGroup', { conversationId: small, title: 'Some' });
  await alice.request('removeMembers', { conversationId: small, users: ['bob'] });
  await alice.request('dismissGroup', { conversationId: small });

  const ivan = await connect(cloud, 'ivan', { token: await cloud.issueToken('ivan', 0) });
  const inParts = await make('group-in-parts', ['bob', 'ivan']);
  while (ivan.socket.readyState === ivan.socket.OPEN) {
    await alice.send(inParts, 'are you still there?');
    await cloud.settled({ delayed: true });
  }
  await alice.request('removeMembers', { conversationId: inParts, users: ['ivan'] });
  await alice.request('addMembers', { conversationId: inParts, users: ['gina'] });
  for (let n = 1; n <= 16; n++) await alice.send(inParts, `${n}`);
  await cloud.settled({ delayed: true });
  await alice.request('dismissGroup', { conversationId: inParts });

  const large = await make('large-group', ['bob', 'gina', 'fred']);
  const conversationIds = [large];
  await alice.request('group', { conversationId: large });
  await alice.request('members', { conversationId: large });
  await bob.request('subscribe', { conversationIds });
  await bob.request('unsubscribe', { conversationIds });
  const guests = await Promise.all(
    ['guest-1', 'guest-2', 'guest-3'].map((deviceId, index) =>
      connect(cloud, 'fred', { deviceId, platform: ['bot', 'desktop', 'android'][index]! }),
    ),
  );
  const [first, ...others] = guests;
  await first!.request('subscribe', { conversationIds });
  await first!.close();
  await alice.send(large, 'is anybody looking?');
  await cloud.settled({ delayed: true });
  const last = await connect(cloud, 'fred', { deviceId: 'guest-4', platform: 'bot' });
  const looking = [...others, last];
  await Promise.all(looking.map((guest) => guest.request('subscribe', { conversationIds })));
  await others[0]!.close();
  await alice.send(large, 'is still anybody looking?');
  await cloud.settled({ delayed: true });
}

const platforms = ['ios', 'android', 'web', 'desktop', 'bot'];

async function runEverything(): Promise<void> {
  await connect(cloud, 'bob');
  const pad = await connect(cloud, 'bob', { deviceId: 'pad', platform: 'web' });
  await connect(cloud, 'bob', { deviceId: 'other-phone' });
  const alice = await connect(cloud, 'alice');
  await useSend(alice, pad);

  const back = await connect(cloud, 'bob', { deviceId: 'pad', platform: 'web' });
  await back.request('pending');
  const { next } = await back.request('sync', { after: 0, limit: 200 });
  await back.request('ping', { cursor: next });
  await back.request('history', { conversationId: 'd:alice:bob' });
  await back.request('read', { conversationId: 'd:alice:bob', seq: 9 });
  await useChanges(alice);
  await useSettings(back);
  await back.request('conversations');
  await back.request('unread');
  await useService();
  await back.request('receipts', { conversationId: 'd:alice:bob', seq: 9 });
  await back.request('pending', { after: 0 });
  await back.request('device', { remove: true });
  await useSearch(back);
  await useGroups(alice, back);
  await useNotifications(alice);
  await usePeople(alice);
  await useMedia(alice);
  await useBroadcasts(new TestBackend(cloud.service));
  await useErasure(new TestBackend(cloud.service));

  // One install after another: of too many, the oldest is forgotten.
  const firstInstall = await connect(cloud, 'fred', { deviceId: 'install-0', platform: 'web' });
  await firstInstall.request('device', { pushToken: 'token of the first' });
  for (let n = 1; n <= 50; n++) await (await connect(cloud, 'fred', { deviceId: `install-${n}` })).close();

  // Comes back by itself, after another device took over.
  const replaced = await connect(cloud, 'bob', { query: 'deviceId=phone&platform=ios&resume=1' });
  replaced.socket.send('{"action":"ping","id":"r"}');
  await replaced.closed;

  const carol = await connect(cloud, 'carol', { token: await cloud.issueToken('carol', 0) });
  while (carol.socket.readyState === carol.socket.OPEN) {
    await alice.send('user:carol', 'are you still there?');
    await cloud.settled({ delayed: true });
  }

  const expiring = await Promise.all(
    expiringActions.map(async (action, index) => {
      const userId = `eve-${index % 3}`;
      const token = await cloud.issueToken(userId, 0);
      return {
        action,
        client: await connect(cloud, userId, {
          deviceId: action,
          platform: platforms[Math.floor(index / 3)]!,
          token,
        }),
      };
    }),
  );
  await Promise.all(expiring.map(({ action, client }) => useExpired(action, client)));
}

/** What the app's own backend does. */
async function useService(): Promise<void> {
  const backend = new TestBackend(cloud.service);
  await backend.call('POST', '/v1/users', { users: [{ userId: 'sven', name: 'Sven' }] });
  expect(await backend.call('GET', '/v1/users/bob')).toMatchObject({ status: 200 });
  await connect(cloud, 'nick');
  expect((await backend.call('POST', '/v1/users/nick/kick')).body).toEqual({ kicked: ['phone'] });
  await backend.call('POST', '/v1/users/nick/ban', { seconds: 0 });
  await backend.call('POST', '/v1/users/nick/revoke');
  const message = { clientMsgId: 'of-the-service', type: 'text', body: { text: 'welcome' } };
  const sent = await backend.call('POST', '/v1/messages', {
    ...message,
    from: 'system',
    to: ['user:sven', 'd:alice:bob'],
  });
  expect(sent.body['results']).toMatchObject([{ seq: 1 }, { error: { code: 'not_member' } }]);
  await useServiceGroups(backend);
}

/** Of somebody with files, a group of their own, one that they left, devices, and things that wait for them. */
async function useErasure(backend: TestBackend): Promise<void> {
  const hank = await connect(cloud, 'hank');
  const ira = await connect(cloud, 'ira');
  await hank.send('user:ira', 'first');
  await hank.send('user:ira', 'second');
  const file = await uploadFile(hank, 'd:hank:ira');
  await sendPicture(hank, 'd:hank:ira', file);
  const avatar = await uploadFile(hank);
  await hank.request('profile', { avatar: avatar.media });
  await hank.request('device', { pushToken: 'token of who is erased' });
  await hank.request('createGroup', { clientGroupId: 'of-who-is-erased', title: 'All', members: ['ira'] });
  const { conversationId } = await ira.request('createGroup', {
    clientGroupId: 'of-who-stays',
    title: 'All',
    members: ['hank'],
  });
  await hank.send(conversationId as string, 'third');
  await cloud.settled({ delayed: true });
  await hank.close();
  await ira.send('user:hank', 'are you there?');
  await cloud.settled({ delayed: true });
  await backend.call('GET', '/v1/users/hank/export');
  await cloud.settled({ delayed: true });
  const { body } = await backend.call('GET', '/v1/users/hank/export');
  const [{ url } = { url: '' }] = body['files'] as { url: string }[];
  expect((await fetch(url)).status).toBe(200);
  await takeNumber(1_000, 'd:hank:ira');
  await backend.call('DELETE', '/v1/users/hank');
  await cloud.settled({ delayed: true });
  expect(await backend.call('GET', '/v1/users/hank')).toMatchObject({ status: 404 });
  await backend.call('DELETE', '/v1/users/hank');
}

async function useBroadcasts(backend: TestBackend): Promise<void> {
  const broadcast = { from: 'bob', type: 'text', body: { text: 'news' }, ratePerSecond: 1 };
  // Of a conversation that there is, one that begins by it, and nobody.
  const users = ['alice', 'nick', 'nobody'];
  const begin = (fields: object) => backend.call('POST', '/v1/broadcasts', { ...broadcast, ...fields });
  await begin({ clientBroadcastId: 'to-a-list', users });
  const { body } = await begin({ clientBroadcastId: 'to-everybody', all: true, ratePerSecond: 2_000 });
  const path = `/v1/broadcasts/${body['broadcastId'] as string}`;
  await cloud.settled({ delayed: true });
  expect((await backend.call('GET', path)).body).toMatchObject({ state: 'done' });
  const stopped = await begin({ clientBroadcastId: 'stopped', users });
  await backend.call('DELETE', `/v1/broadcasts/${stopped.body['broadcastId'] as string}`);
}

async function useServiceGroups(backend: TestBackend): Promise<void> {
  const group = { owner: 'bob', clientGroupId: 'of-the-service', title: 'Order', members: ['sven'] };
  const { body } = await backend.call('POST', '/v1/groups', group);
  const path = `/v1/groups/${body['conversationId'] as string}`;
  await backend.call('POST', `${path}/members`, { users: ['nick'] });
  await backend.call('DELETE', `${path}/members/nick`);
  expect(await backend.call('DELETE', path)).toMatchObject({ status: 200 });
}

async function useSend(alice: TestClient, pad: TestClient): Promise<void> {
  const clientMsgId = 'message-that-repeats';
  await alice.send('user:bob', 'first', { clientMsgId });
  await alice.send('user:bob', 'first', { clientMsgId });
  await alice.send('user:bob', 'puff', { ephemeral: true });
  await cloud.settled({ delayed: true });
  await pad.request('device', { pushToken: 'token' });
  await pad.send('user:alice', 'with an acknowledgement', { cursor: 1 });
  await pad.close();
  await cloud.settled({ delayed: true });
  for (let n = 0; n < 20; n++) await alice.send('user:bob', `message ${n}`);
  await takeNumber();
  await alice.send('user:bob', 'after the hole');
  await cloud.settled({ delayed: true });
}

async function useChanges(alice: TestClient): Promise<void> {
  const conversationId = 'd:alice:bob';
  for (let round = 0; round < 2; round++) {
    const { seq } = await alice.send('user:bob', 'to be changed');
    const change = { conversationId, seq, clientMsgId: `change-number-${round}`, body: { text: 'changed' } };
    await alice.request('edit', change);
    await takeNumber(2_000 + 100 * round);
    await alice.request('recall', { conversationId, seq });
  }
}

async function usePeople(alice: TestClient): Promise<void> {
  await alice.request('preferences', { receipts: false });
  await alice.request('preferences', { receipts: true });
  await alice.request('profile', { name: 'Alice' });
  await alice.request('profiles', { users: ['alice', 'bob'] });
  // As many events as fill a page.
  for (let n = 0; n < 18; n++) await alice.request('contact', { userId: 'bob', starred: n % 2 === 0 });
  await alice.request('contacts');
  // One with whom there is a conversation, and one with whom there is none.
  for (const userId of ['bob', 'gina']) {
    await alice.request('block', { userId });
    await alice.request('unblock', { userId });
  }
  await usePresence(alice);
}

/** Who watches is told by each function that may; and forgotten, where their connection is gone. */
async function usePresence(alice: TestClient): Promise<void> {
  const users = ['alice', 'jack'];
  const watch = async (userId: string) => {
    const watcher = await connect(cloud, userId);
    await watcher.request('watchPresence', { users });
    return watcher;
  };
  const watchAndGo = async () => {
    await (await watch('kate')).close();
    await cloud.settled();
  };
  await alice.request('presence', { users });
  await (await watch('liam')).request('unwatchPresence', { users });
  await watch('mary');
  await alice.request('block', { userId: 'mary' });
  await watchAndGo();
  const jack = await connect(cloud, 'jack');
  await watchAndGo();
  await jack.close();
  await cloud.settled();
  await watchAndGo();
  await alice.request('preferences', { presence: false });
}

/** Files that are sent, exchanged, taken back, and shown to everybody. */
async function useMedia(alice: TestClient): Promise<void> {
  const conversationId = 'd:alice:bob';
  const [first, second, avatar] = [
    await uploadFile(alice, conversationId),
    await uploadFile(alice, conversationId),
    await uploadFile(alice),
  ];
  const { seq } = await sendPicture(alice, 'user:bob', first);
  // Who may list the bucket is told that there is nothing.
  const neverPut = await askForPlace(alice, { conversationId });
  await sendPicture(alice, 'user:bob', neverPut);
  await cloud.settled();
  for (const { media } of [first, avatar, neverPut]) await fetchFile(alice, media);
  const body = { url: second.media };
  await alice.request('edit', { conversationId, seq, clientMsgId: 'another-picture', body });
  await alice.request('recall', { conversationId, seq });
}

/** A telephone that is away, comes back in time, and whose token nobody has any more. */
async function useNotifications(alice: TestClient): Promise<void> {
  const notes = () => cloud.settled({ delayed: true });
  const hank = await connect(cloud, 'hank');
  await hank.request('device', { pushToken: 'token of hank' });
  await alice.send('user:hank', 'had, and not read');
  await hank.eventsUpTo(1);
  await hank.request('ping', { cursor: 1 });
  await notes();
  await hank.close();
  await cloud.settled();
  await alice.send('user:hank', 'neither had nor read');
  await cloud.settled();
  const back = await connect(cloud, 'hank');
  await notes();
  await back.close();
  await cloud.settled();
  webhook.answer({ status: 410 });
  await alice.send('user:hank', 'to nobody');
  await notes();
}

/** What the mailbox names, what it does not, and what is found. */
async function useSearch(bob: TestClient): Promise<void> {
  await bob.request('search', { query: 'message' });
  await bob.request('search', { query: 'no such words' });
  await bob.request('search', { query: 'message', conversationId: 'd:alice:bob' });
}

/** As many events as fill a page. */
async function useSettings(bob: TestClient): Promise<void> {
  const conversationId = 'd:alice:bob';
  for (let n = 0; n < 18; n++) await bob.request('settings', { conversationId, draft: n % 2 ? '' : 'dear' });
  await bob.request('settings', { conversationId, clearedSeq: 1 });
}

/**
 * A number that nobody will use: what a sender leaves that dies before its message is in its slot. With it so many
 * uncounted slots that the next fence seals them, in a conversation where messages have an end.
 */
async function takeNumber(firstUncounted = 1_000, conversationId = 'd:alice:bob'): Promise<void> {
  const client = new DynamoDBClient({
    endpoint: cloud.dynamoDbEndpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  await client.send(
    new UpdateItemCommand({
      TableName: cloud.model.tables.find(({ name }) => name === 'Conversations')!.tableName,
      Key: { conversationId: { S: conversationId }, item: { S: 'HEAD' } },
      UpdateExpression: 'SET expiring = :one ADD seq :one, counted :counted, uncounted :slots',
      ExpressionAttributeValues: {
        ':one': { N: '1' },
        ':counted': { N: '71' },
        ':slots': { NS: Array.from({ length: 70 }, (_, index) => String(firstUncounted + index)) },
      },
    }),
  );
  client.destroy();
}

/** Asks until the token is over: then the function answers by itself, and closes. */
async function useExpired(action: string, client: TestClient): Promise<void> {
  let last: unknown;
  do {
    const answer = await client.request(action);
    last = (answer as { error?: { code: string } }).error?.code;
  } while (last !== 'unauthorized');
  await client.closed;
}

/** The first of the requests that is refused, sent one after the other: one that is let through may change something. */
async function firstRefused(sent: readonly FunctionRequest[]): Promise<FunctionRequest | undefined> {
  for (const request of sent) if ((await services.send(request)) === 'refused') return request;
  return undefined;
}

test('each request that was made, sent again, is let through: no grant is missing', async () => {
  expect(requests.length).toBeGreaterThan(100);
  services.use(cloud.model);
  expect(await firstRefused(requests)).toBeUndefined();
});

const requestGrants = () =>
  grantsOf(cloud.model).filter((grant) => !unused.test(grant.action) && !isOfEventSource(grant));

test('without each grant in turn, a request that was made is refused: none is superfluous', async () => {
  const grants = requestGrants();
  expect(grants.length).toBeGreaterThan(25);
  const superfluous: Grant[] = [];
  for (const grant of grants) {
    services.use(withoutGrant(cloud.model, grant));
    const own = requests.filter(({ functionName }) => functionName === grant.functionName);
    const refused = await firstRefused(own);
    services.use(cloud.model);
    if (!refused || (await services.send(refused)) === 'refused') superfluous.push(grant);
  }
  expect(superfluous).toEqual([]);
}, 120_000);

test('without each grant that an event source needs, it does not start', async () => {
  const grants = grantsOf(cloud.model).filter(isOfEventSource);
  expect(grants.length).toBeGreaterThan(4);
  await services.startEventSources(cloud.model);
  for (const grant of grants) {
    await expect(services.startEventSources(withoutGrant(cloud.model, grant))).rejects.toThrow(
      `not authorized to perform: ${grant.action} on resource`,
    );
  }
});
