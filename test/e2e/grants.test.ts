// I10: while everything is used that the functions do, each request is noted with the grant that it needs. Nothing is
// refused, so no grant is missing; and when each grant is taken away in turn, a request that was made is refused, so
// none is superfluous.
import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import type { CloudModel, PolicyStatement } from '../../local/model.ts';
import { createIdentities, type AuthorizedRequest } from '../../local/iam/roles.ts';
import { connect, type TestClient } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';

const requests: AuthorizedRequest[] = [];
let cloud: Cloud;

beforeAll(async () => {
  cloud = await startCloud({
    onAuthorize: (request) => requests.push(request),
    environment: { IM_SETTINGS: '{"settleMs":0}' },
  });
  await runEverything();
  await cloud.settled();
});
afterAll(() => cloud.close());

/** What Lambda itself does with a role and the local cloud has no need of. */
const ofLambda = /^logs:|^dynamodb:ListStreams$/;

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

const expiringActions = ['send', 'sync', 'history', 'device', 'unknown'];
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
  await back.request('pending', { after: 0 });
  await back.request('device', { remove: true });

  const expiring = await Promise.all(
    expiringActions.map(async (action, index) => {
      const token = await cloud.issueToken('eve', 3);
      return {
        action,
        client: await connect(cloud, 'eve', { deviceId: action, platform: platforms[index]!, token }),
      };
    }),
  );
  await Promise.all(expiring.map(({ action, client }) => useExpired(action, client)));
}

async function useSend(alice: TestClient, pad: TestClient): Promise<void> {
  const clientMsgId = 'message-that-repeats';
  await alice.send('user:bob', 'first', { clientMsgId });
  await alice.send('user:bob', 'first', { clientMsgId });
  await alice.send('user:bob', 'puff', { ephemeral: true });
  await cloud.settled();
  await pad.request('device', { pushToken: 'token' });
  await pad.close();
  await cloud.settled();
  for (let n = 0; n < 20; n++) await alice.send('user:bob', `message ${n}`);
  await takeNumber();
  await alice.send('user:bob', 'after the hole');
  await cloud.settled();
}

/**
 * A number that nobody will use: what a sender leaves that dies before its message is in its slot. With it so many
 * uncounted slots that the next fence seals them, in a conversation where messages have an end.
 */
async function takeNumber(): Promise<void> {
  const client = new DynamoDBClient({
    endpoint: cloud.dynamoDbEndpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  await client.send(
    new UpdateItemCommand({
      TableName: cloud.model.tables.find(({ name }) => name === 'Conversations')!.tableName,
      Key: { conversationId: { S: 'd:alice:bob' }, item: { S: 'HEAD' } },
      UpdateExpression: 'SET expiring = :one ADD seq :one, counted :one, uncounted :slots',
      ExpressionAttributeValues: {
        ':one': { N: '1' },
        ':slots': { NS: Array.from({ length: 70 }, (_, index) => String(1_000 + index)) },
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

test('nothing was refused: no grant is missing', () => {
  expect(requests.length).toBeGreaterThan(100);
  expect(requests.filter(({ allowed }) => !allowed)).toEqual([]);
});

test('without each grant in turn, a request that was made is refused: none is superfluous', () => {
  const grants = grantsOf(cloud.model).filter(({ action }) => !ofLambda.test(action));
  expect(grants.length).toBeGreaterThan(30);
  const superfluous = grants.filter((grant) => {
    const identities = createIdentities(withoutGrant(cloud.model, grant));
    const identity = identities.identityOf(grant.functionName);
    return requests
      .filter(({ functionName }) => functionName === grant.functionName)
      .every(({ action, resourceArn }) => identities.authorize(identity, action, resourceArn).allowed);
  });
  expect(superfluous).toEqual([]);
});
