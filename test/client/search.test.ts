// A search through the SDK: page by page, what the server finds.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import type { SearchOptions } from '../../src/client/search.ts';
import { startCloud } from '../support/cloud.ts';
import { closeWhenSettled, Devices, directId, newUser } from './devices.ts';

let cloud: Cloud;
let devices: Devices;
beforeAll(async () => {
  cloud = await startCloud();
  devices = new Devices(cloud);
});
afterEach(() => devices.close());
afterAll(() => closeWhenSettled(cloud));

test('search answers pages of messages, newest first; with what makes no query it rejects', async () => {
  const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
  const bob = await devices.connect({ userId: bobId });
  const alice = await devices.connect({ userId: aliceId });
  for (const text of ['Café?', 'no', 'CAFÉ!', 'the café']) await alice.im.send(`user:${bobId}`, text).sent;
  await bob.seen.until(() => bob.seen.messages.length === 4, 'all messages');

  const conversationId = directId(aliceId, bobId);
  for (const scope of [{}, { conversationId, from: aliceId }]) {
    const found: unknown[] = [];
    let options: SearchOptions | undefined = { ...scope, limit: 2 };
    while (options) {
      const page = await bob.im.search('cafe\u0301', options);
      expect(page.hits.length).toBeLessThanOrEqual(2);
      found.push(...page.hits.map(({ body }) => body['text']));
      options = page.next;
    }
    expect(found).toEqual(['the café', 'CAFÉ!', 'Café?']);
  }
  expect((await bob.im.search('café', { from: bobId })).hits).toEqual([]);
  await expect(bob.im.search(' ')).rejects.toMatchObject({ code: 'bad_request' });
});
