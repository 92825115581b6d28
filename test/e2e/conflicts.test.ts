// The engines make no transaction conflicts, DynamoDB does: what is sent is stored in spite of them.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { connect } from '../support/client.ts';
import { scan, startCloud } from '../support/cloud.ts';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.close());

test('a third of all writes meet a conflict: each of 20 messages is stored and arrives', async () => {
  const bob = await connect(cloud, 'bob');
  const alice = await connect(cloud, 'alice');
  cloud.setFaults({ seed: 1, dynamodb: { conflict: 0.3 } });
  for (let n = 1; n <= 20; n++) {
    expect(await alice.send('user:bob', `message ${n}`)).toMatchObject({ ok: true, seq: n });
  }
  await bob.eventsUpTo(20);
  const conflicts = cloud.injections().filter(({ fault }) => fault === 'dynamodb.conflict');
  cloud.clearFaults();
  expect(conflicts.length).toBeGreaterThan(20);
  expect(await scan(cloud, 'Messages')).toHaveLength(20);
}, 60_000);
