// Groups that the app's own backend makes and changes, and how its calls are counted, over real HTTP and sockets.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { connect, type TestClient } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';
import { TestBackend } from '../support/service.ts';

let cloud: Cloud;
let backend: TestBackend;
let alice: TestClient;
let bob: TestClient;
beforeAll(async () => {
  cloud = await startCloud();
  backend = new TestBackend(cloud.service);
  alice = await connect(cloud, 'alice');
  bob = await connect(cloud, 'bob');
});
afterAll(() => cloud?.close());

const create = (fields: object) => backend.call('POST', '/v1/groups', { owner: 'alice', ...fields });

/** @returns its id. */
async function made(clientGroupId: string): Promise<string> {
  const { body } = await create({ clientGroupId, title: 'Team', members: ['bob'] });
  return body['conversationId'] as string;
}

describe('P8.15 groups', () => {
  test('are made for an owner: the same request again finds the group', async () => {
    const request = { clientGroupId: 'order-4711', title: 'Order 4711', members: ['bob', 'nobody'] };
    const [first, again] = [await create(request), await create(request)];
    expect(first).toMatchObject({
      status: 200,
      body: {
        conversationId: expect.stringMatching(/^g:/),
        skipped: [{ userId: 'nobody', reason: 'user_not_found' }],
      },
    });
    expect(again.body).toEqual({ ...first.body, duplicate: true });
    const conversationId = first.body['conversationId'] as string;
    await bob.until(
      () => JSON.stringify(bob.pushes).includes('"change":"joined"'),
      'that bob is told that he joined',
    );
    expect(await bob.request('group', { conversationId })).toMatchObject({
      title: 'Order 4711',
      owner: 'alice',
      memberCount: 2,
    });
    expect(await create({ ...request, title: 'Another' })).toMatchObject({
      status: 409,
      body: { error: { code: 'idempotency_conflict' } },
    });
  });

  test('gain and lose members: as the owner, or as whoever is named, with their rights', async () => {
    const id = await made('members-come-and-go');
    const members = `/v1/groups/${id}/members`;
    await connect(cloud, 'carol');
    const added = { users: ['carol', 'bob'] };
    const answer = { added: ['carol'], skipped: [{ userId: 'bob', reason: 'member' }] };
    expect((await backend.call('POST', members, added)).body).toEqual(answer);
    expect((await backend.call('POST', members, added)).body).toEqual(answer);
    const asCarol = await backend.call('DELETE', `${members}/bob`, { owner: 'carol' });
    expect(asCarol).toMatchObject({ status: 403, body: { error: { code: 'forbidden' } } });
    const removed = { removed: ['carol'], skipped: [] };
    expect((await backend.call('DELETE', `${members}/carol`)).body).toEqual(removed);
    expect((await backend.call('DELETE', `${members}/carol`)).body).toEqual(removed);
    expect(await bob.request('group', { conversationId: id })).toMatchObject({ memberCount: 2 });
  });

  test('are dismissed, by their id with or without g:', async () => {
    const id = await made('soon-dismissed');
    const path = `/v1/groups/${id.slice('g:'.length)}`;
    expect(await backend.call('DELETE', path)).toMatchObject({ status: 200, body: {} });
    expect(await backend.call('DELETE', path)).toMatchObject({ status: 200, body: {} });
    const after = await alice.request('group', { conversationId: id });
    expect(after).toMatchObject({ error: { code: 'not_member' } });
  });

  test.each([
    ['DELETE', '/v1/groups/nothing', undefined, 404, 'not_found', 'id: there is no group g:nothing'],
    ['POST', '/v1/groups/g:nothing/members', { users: ['bob'] }, 404, 'not_found', 'id: '],
    ['DELETE', '/v1/groups/a%20b', undefined, 400, 'bad_request', 'id: '],
    ['DELETE', '/v1/groups/d:alice:bob', undefined, 400, 'bad_request', 'id: '],
    [
      'POST',
      '/v1/groups',
      { owner: 'nobody', clientGroupId: '12345678', title: 'x', members: [] },
      404,
      'user_not_found',
      'owner: ',
    ],
    [
      'POST',
      '/v1/groups',
      { owner: 'alice', clientGroupId: 'short', title: 'x', members: [] },
      400,
      'bad_request',
      'clientGroupId: ',
    ],
  ])('%s %s %j is refused and says where', async (method, path, body, status, code, message) => {
    const answer = await backend.call(method, path, body);
    expect(answer).toMatchObject({ status, body: { error: { code } } });
    expect((answer.body['error'] as { message: string }).message.startsWith(message)).toBe(true);
  });
});

test('P8.16 a caller has its share of a minute, and the calls above it do nothing', async () => {
  const small = await startCloud({ environment: { IM_SETTINGS: '{"serviceRequestsPerMinute":3}' } });
  try {
    const eager = new TestBackend(small.service);
    // Of two minutes at most: the clock is real.
    const users = Array.from({ length: 10 }, (_, n) => `user-${n}`);
    const answers = await Promise.all(
      users.map((userId) => eager.call('POST', '/v1/users', { users: [{ userId }] })),
    );
    const served = answers.filter(({ status }) => status === 200);
    const refused = answers.filter(({ status }) => status === 429);
    expect([served.length, refused.length]).toSatisfy(([ok = 0, no = 0]) => ok <= 6 && ok + no === 10);
    expect(refused[0]).toMatchObject({ body: { error: { code: 'rate_limited', retryable: true } } });
    expect(Number(refused[0]!.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    const looker = await connect(small, 'looker');
    let there = 0;
    // One after the other: conversations that are begun at once get in each other's way.
    for (const user of users) if ((await looker.send(`user:${user}`, 'are you there?')).ok) there += 1;
    expect(there).toBe(served.length);
  } finally {
    await small.close();
  }
});
