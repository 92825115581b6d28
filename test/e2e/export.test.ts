// What a user may see, exported over real HTTP: all of it, nothing of others, and gone with an erasure.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { connect } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';
import { TestBackend, type ServiceAnswer } from '../support/service.ts';

let cloud: Cloud;
let backend: TestBackend;
beforeAll(async () => {
  // An invocation reads one page: so an export is many files.
  cloud = await startCloud({ environment: { IM_SETTINGS: '{"workSliceMs":0}' } });
  backend = new TestBackend(cloud.service);
});
afterAll(() => cloud?.close());

const ask = (userId: string) => backend.call('GET', `/v1/users/${userId}/export`);

async function untilDone(userId: string): Promise<ServiceAnswer> {
  const giveUp = Date.now() + 60_000;
  for (;;) {
    const answer = await ask(userId);
    if (answer.body['state'] === 'done') return answer;
    if (Date.now() > giveUp) throw new Error(`Waited in vain: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test('P8.22 an export holds what the user may see, and nothing else; with the user it is erased', async () => {
  const alice = await connect(cloud, 'alice');
  const bob = await connect(cloud, 'bob');
  const carol = await connect(cloud, 'carol');
  await alice.request('profile', { name: 'Alice' });
  await alice.request('contact', { userId: 'bob', alias: 'Bobby' });
  await alice.request('block', { userId: 'carol' });
  for (let n = 1; n <= 120; n++) await bob.send('user:alice', `message ${n}`);
  await alice.request('settings', { conversationId: 'd:alice:bob', pinned: true, draft: 'to be said' });
  const { seq } = await bob.send('user:alice', 'a secret of bob');
  await bob.request('recall', { conversationId: 'd:alice:bob', seq });
  await bob.send('user:carol', 'a secret of others');
  const { conversationId: group } = await carol.request('createGroup', {
    clientGroupId: 'a-group-of-carol',
    title: 'All of us',
    members: ['bob'],
  });
  await carol.send(group as string, 'a secret of before');
  await bob.request('addMembers', { conversationId: group, users: ['dora'] });
  const dora = await connect(cloud, 'dora');
  await carol.request('addMembers', { conversationId: group, users: ['dora'] });
  await carol.send(group as string, 'welcome, dora');

  expect((await ask('alice')).body).toMatchObject({ state: 'running', files: [] });
  const { body } = await untilDone('alice');
  const files = body['files'] as { url: string; expiresAt: number }[];
  expect(files.length).toBeGreaterThan(1);
  const texts = await Promise.all(files.map(async ({ url }) => (await fetch(url)).text()));
  const lines = texts
    .join('')
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text) as Record<string, unknown>);
  expect(lines).toContainEqual(expect.objectContaining({ kind: 'profile', userId: 'alice', name: 'Alice' }));
  expect(lines).toContainEqual(
    expect.objectContaining({ kind: 'preferences', presence: true, receipts: true, previews: true }),
  );
  expect(lines).toContainEqual(expect.objectContaining({ kind: 'device', deviceId: 'phone' }));
  expect(lines).toContainEqual(expect.objectContaining({ kind: 'contact', userId: 'bob', alias: 'Bobby' }));
  expect(lines).toContainEqual({ kind: 'blocked', userId: 'carol' });
  expect(lines).toContainEqual(
    expect.objectContaining({
      kind: 'conversation',
      conversationId: 'd:alice:bob',
      pinned: true,
      draft: 'to be said',
    }),
  );
  const messages = lines.flatMap((one) =>
    one['kind'] === 'message' ? [one['message'] as { seq: number; body: { text?: string } }] : [],
  );
  // With the recalled one and what tells of it, in order.
  expect(messages.map((message) => message.seq)).toEqual(Array.from({ length: 122 }, (_, n) => n + 1));
  expect(messages[119]!.body).toEqual({ text: 'message 120' });
  expect(texts.join('')).not.toContain('secret');

  const ofDora = await untilDone('dora');
  const [file] = ofDora.body['files'] as { url: string }[];
  const said = (
    await Promise.all(
      (ofDora.body['files'] as { url: string }[]).map(async ({ url }) => (await fetch(url)).text()),
    )
  ).join('');
  expect(said).toContain('welcome, dora');
  expect(said).toContain('"title":"All of us"');
  expect(said).not.toContain('secret');
  expect((await ask('dora')).body).toMatchObject({ exportId: ofDora.body['exportId'], state: 'done' });

  await backend.call('DELETE', '/v1/users/dora');
  await dora.closed;
  const giveUp = Date.now() + 30_000;
  while ((await backend.call('GET', '/v1/users/dora')).status !== 404 && Date.now() < giveUp)
    await new Promise((resolve) => setTimeout(resolve, 50));
  // S3 tells nobody what is not there who may not list: it is 403 then.
  expect((await fetch(file!.url)).status).toBe(403);
  expect(await ask('dora')).toMatchObject({ status: 404, body: { error: { code: 'user_not_found' } } });
});
