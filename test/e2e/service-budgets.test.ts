// B20: what a message of the service API writes, counted by the meters of the local cloud.
import { expect, test } from 'vitest';
import { startCloud } from '../support/cloud.ts';
import { TestBackend } from '../support/service.ts';

test('B20 a message writes 6 units in a conversation that there is, and none when it is repeated; a call one more', async () => {
  const cloud = await startCloud();
  try {
    const backend = new TestBackend(cloud.service);
    await backend.call('POST', '/v1/users', { users: [{ userId: 'bob' }] });
    const send = async (clientMsgId: string) => {
      const request = {
        from: 'system',
        to: ['user:bob'],
        clientMsgId,
        type: 'text',
        body: { text: 'hello' },
      };
      const { body } = await backend.call('POST', '/v1/messages', request);
      expect(body['results']).toMatchObject([{ conversationId: 'd:bob:system' }]);
    };
    await send('the-first-one');
    cloud.resetMetrics();
    for (let n = 1; n <= 10; n++) await send(`message-number-${n}`);
    expect(cloud.metrics().dynamodb.byFunction['service']).toMatchObject({ requests: 30, writeUnits: 70 });
    cloud.resetMetrics();
    await send('message-number-3');
    expect(cloud.metrics().dynamodb.byFunction['service']).toMatchObject({ requests: 2, writeUnits: 1 });
  } finally {
    await cloud.close();
  }
});
