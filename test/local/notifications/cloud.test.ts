// What a notifier posts to the cloud that runs it, and what the cloud tells of it.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Cloud } from '../../../local/cloud.ts';
import { startCloud } from '../../support/cloud.ts';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.close());

const report = {
  notificationId: 'n1',
  userId: 'bob',
  deviceId: 'phone',
  conversationId: 'd:alice:bob',
  seq: 1,
  from: 'alice',
  title: 'alice',
  preview: 'hi',
  count: 1,
  outcome: 'sent',
  at: 1_795_347_335_740,
};

it('what is posted can be read, over HTTP and from the cloud itself', async () => {
  const url = `${cloud.httpUrl}/dev/notifications`;
  const { status } = await fetch(url, { method: 'POST', body: JSON.stringify([report]) });
  expect(status).toBe(200);
  expect(cloud.notifications()).toEqual([report]);
  expect(await (await fetch(url)).json()).toEqual([report]);
});

it('a cloud without a webhook says so', async () => {
  expect((await fetch(`${cloud.httpUrl}/dev/push`)).status).toBe(404);
});
