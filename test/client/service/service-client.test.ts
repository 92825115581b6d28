// The service client: against the local cloud over real HTTP, and against an endpoint that fails as it is told to.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import type { Cloud } from '../../../local/cloud.ts';
import { createServiceClient, type ServiceClientOptions } from '../../../src/client/package/service.ts';
import { serviceOperations } from '../../../src/protocol/service-operations.ts';
import { connect } from '../../support/client.ts';
import { startCloud } from '../../support/cloud.ts';

const refusal = (code: string, retryable: boolean, more: object = {}) => ({
  error: { code, message: `${code}.`, retryable, ...more },
});

describe('P8.41 with the local cloud', () => {
  let cloud: Cloud;
  let service: ReturnType<typeof createServiceClient>;
  beforeAll(async () => {
    cloud = await startCloud();
    const { url, region, accessKeyId, secretAccessKey } = cloud.service!;
    service = createServiceClient({ url, region, credentials: { accessKeyId, secretAccessKey } });
  });
  afterAll(() => cloud?.close());

  test('a backend makes users, writes to them, and looks at them', async () => {
    const users = [{ userId: 'ann@example.org', name: 'Ann' }, { userId: 'ben' }] as const;
    expect(await service.createUsers({ users })).toEqual({
      created: users.map(({ userId }) => userId),
      existing: [],
    });
    const message = {
      from: 'system',
      clientMsgId: 'welcome-1',
      type: 'text',
      body: { text: 'welcome' },
    } as const;
    const { results } = await service.sendMessages({
      ...message,
      to: ['user:ann@example.org', 'user:nobody'],
    });
    expect(results).toMatchObject([
      { to: 'user:ann@example.org', seq: 1 },
      { error: { code: 'user_not_found' } },
    ]);
    const user = await service.user({ userId: 'ann@example.org' });
    expect(user).toMatchObject({ devices: [], unread: 1 });
    expectTypeOf(user.lastSeen).toEqualTypeOf<number | null>();
    // @ts-expect-error there is no such type of message
    const wrong = service.sendMessages({ ...message, to: ['user:ben'], type: 'txt' });
    await expect(wrong).rejects.toMatchObject({ name: 'ServiceError', code: 'bad_request', status: 400 });
  });

  test('it imports, has groups, bans, kicks and revokes', async () => {
    await service.createUsers({ users: [{ userId: 'cleo' }, { userId: 'dora' }] });
    await connect(cloud, 'dora');
    const old = {
      from: 'cleo',
      clientMsgId: 'old-one-1',
      type: 'text',
      body: { text: 'long ago' },
      serverTime: 1e12,
    } as const;
    const imported = { conversationId: 'd:cleo:dora', messages: [old] };
    expect(await service.importMessages(imported)).toMatchObject({ results: [{ seq: 1 }] });
    expect(await service.importMessages(imported)).toMatchObject({ results: [{ seq: 1, duplicate: true }] });
    const { conversationId: id } = await service.createGroup({
      owner: 'cleo',
      clientGroupId: 'first-group',
      title: 'Planning',
      members: [],
    });
    expect(await service.addGroupMembers({ id, users: ['dora'] })).toMatchObject({ added: ['dora'] });
    expect(await service.removeGroupMember({ id, userId: 'dora', owner: 'cleo' })).toMatchObject({
      removed: ['dora'],
    });
    expect(await service.dismissGroup({ id })).toEqual({});
    expect(await service.kick({ userId: 'dora' })).toEqual({ kicked: ['phone'] });
    expect(await service.revoke({ userId: 'dora' })).toEqual({});
    const { until } = await service.ban({ userId: 'dora', seconds: 60 });
    expect(until).toBeGreaterThan(Date.now());
  });

  test('it broadcasts', async () => {
    const began = await service.createBroadcast({
      clientBroadcastId: 'news-of-today',
      from: 'system',
      type: 'text',
      body: { text: 'news' },
      users: ['ben'],
    });
    await cloud.settled({ delayed: true });
    expect(await service.broadcast({ id: began.broadcastId })).toMatchObject({ state: 'done', sent: 1 });
    expect(await service.stopBroadcast({ id: began.broadcastId })).toMatchObject({ state: 'done' });
  });

  test('whoever is not let in is told so, and not again', async () => {
    const { url, region } = cloud.service!;
    let asked = 0;
    const credentials = async () => {
      asked++;
      return { accessKeyId: 'AKIAOTHER', secretAccessKey: 'x', sessionToken: 'y' };
    };
    const stranger = createServiceClient({ url, region, credentials });
    await expect(stranger.user({ userId: 'ben' })).rejects.toMatchObject({
      code: 'refused',
      status: 403,
      retryable: false,
    });
    expect(asked).toBe(1);
  });
});

/** Answers one after the other; what is asked for then gets the last. */
async function scripted(answers: readonly (readonly [status: number, body: unknown] | 'hang up')[]) {
  const asked: { method: string; url: string; body: string }[] = [];
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const answer = answers[Math.min(asked.length, answers.length - 1)]!;
      asked.push({ method: incoming.method!, url: incoming.url!, body: Buffer.concat(chunks).toString() });
      if (answer === 'hang up') response.destroy();
      else
        response.writeHead(answer[0], { 'content-type': 'application/json' }).end(JSON.stringify(answer[1]));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const waits: number[] = [];
  const options: ServiceClientOptions = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    environment: {
      random: () => 0.5,
      delay: async (ms, signal) => {
        waits.push(ms);
        signal?.throwIfAborted();
      },
    },
  };
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { asked, waits, options, service: createServiceClient(options), [Symbol.asyncDispose]: close };
}

describe('P8.42 what is tried again', () => {
  test('what is retryable and what did not arrive, with waits that grow and those that the server asks for', async () => {
    await using endpoint = await scripted([
      'hang up',
      [503, { message: 'Service Unavailable' }],
      [429, refusal('rate_limited', true, { retryAfterMs: 7_000 })],
      [500, refusal('internal', true)],
      [200, { kicked: [] }],
    ]);
    expect(await endpoint.service.kick({ userId: 'a b', reason: 'x' })).toEqual({ kicked: [] });
    expect(new Set(endpoint.asked.map((request) => JSON.stringify(request))).size).toBe(1);
    expect(endpoint.asked[0]).toEqual({
      method: 'POST',
      url: '/v1/users/a%20b/kick',
      body: '{"reason":"x"}',
    });
    expect(endpoint.waits).toEqual([150, 250, 7_450, 850]);
  });

  test('at most as often as it is told', async () => {
    await using endpoint = await scripted([[503, refusal('unavailable', true)]]);
    const twice = createServiceClient({ ...endpoint.options, retries: 2 });
    await expect(twice.revoke({ userId: 'a' })).rejects.toMatchObject({
      code: 'unavailable',
      status: 503,
      retryable: true,
    });
    expect(endpoint.asked.map(({ body }) => body)).toEqual(['', '', '']);
  });

  test('not what stays refused', async () => {
    await using endpoint = await scripted([[404, refusal('user_not_found', false)]]);
    await expect(endpoint.service.user({ userId: 'a' })).rejects.toMatchObject({
      code: 'user_not_found',
      message: 'user_not_found.',
    });
    expect(endpoint.asked).toHaveLength(1);
  });

  test('when some targets of several have to be: who has theirs keeps its answer', async () => {
    const [done, busy] = [
      { to: 'user:a', conversationId: 'd:a:x', seq: 4 },
      { to: 'user:b', ...refusal('unavailable', true) },
    ];
    const later = [
      { ...done, duplicate: true },
      { to: 'user:b', conversationId: 'd:b:x', seq: 9 },
    ];
    await using endpoint = await scripted([
      [200, { results: [done, busy] }],
      [200, { results: [{ to: 'user:a', ...refusal('unavailable', true) }, busy] }],
      [200, { results: later }],
    ]);
    const request = {
      from: 'x',
      to: ['user:a', 'user:b'],
      clientMsgId: 'one-message',
      type: 'text',
      body: { text: 'hi' },
    } as const;
    expect(await endpoint.service.sendMessages(request)).toEqual({ results: [done, later[1]] });
    expect(endpoint.asked).toHaveLength(3);
  });

  test('and what stays so is answered', async () => {
    const results = [{ to: 'user:b', ...refusal('unavailable', true) }];
    await using endpoint = await scripted([[200, { results }]]);
    const request = {
      from: 'x',
      to: ['user:b'],
      clientMsgId: 'one-message',
      type: 'text',
      body: { text: 'hi' },
    } as const;
    expect(await endpoint.service.sendMessages(request)).toEqual({ results });
    expect(endpoint.asked).toHaveLength(6);
  });

  test('not after the app has taken it back', async () => {
    await using endpoint = await scripted([[503, refusal('unavailable', true)]]);
    const controller = new AbortController();
    const abort = () => {
      controller.abort();
      return 0;
    };
    const environment = { ...endpoint.options.environment, random: abort };
    const service = createServiceClient({ ...endpoint.options, environment });
    const call = service.revoke({ userId: 'a' }, { signal: controller.signal });
    await expect(call).rejects.toMatchObject({ code: 'cancelled' });
    expect(endpoint.asked).toHaveLength(1);
    await expect(service.revoke({ userId: 'a' }, { signal: controller.signal })).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect(endpoint.asked).toHaveLength(1);
  });

  test('a request that its path leaves open is none', async () => {
    await using endpoint = await scripted([[200, {}]]);
    await expect(endpoint.service.revoke({ userId: '' })).rejects.toThrow('userId: is missing');
    expect(Object.keys(endpoint.service)).toEqual(Object.keys(serviceOperations));
  });

  test('the region is that of the url', () => {
    const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
    const url = 'https://abc.execute-api.eu-west-1.amazonaws.com';
    expect(() => createServiceClient({ url, credentials })).not.toThrow();
    if (process.env['AWS_REGION']) return;
    expect(() => createServiceClient({ url: 'https://im.example.com', credentials })).toThrow(
      'region: is missing',
    );
  });
});
