// Who is let in, who has to go for whom, and what a connection is worth when the mailbox does not know it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { connect, refusal } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud({
    environment: {
      IM_SETTINGS: JSON.stringify({ devicesPerPlatform: { ios: 2 } }),
      ALLOWED_ORIGINS: 'https://two.example.com,capacitor://localhost',
    },
  });
});
afterAll(() => cloud.close());

let users = 0;
const newUser = (name: string) => `${name}-${++users}`;

describe('P1.7: devices of one platform', () => {
  test('live side by side as many as are configured; for one more the oldest goes', async () => {
    const bobId = newUser('bob');
    const phone = await connect(cloud, bobId);
    const pad = await connect(cloud, bobId, { deviceId: 'pad' });
    expect(await phone.request('ping')).toMatchObject({ ok: true });
    const watch = await connect(cloud, bobId, { deviceId: 'watch' });
    await phone.closed;
    expect(phone.pushes).toEqual([
      { push: 'kicked', reason: 'replaced', by: { deviceId: 'watch', platform: 'ios' } },
    ]);
    for (const device of [pad, watch]) expect(await device.request('ping')).toMatchObject({ ok: true });
  });
});

describe('P1.3: origins', () => {
  const from = (origin: string) => ({ socket: { headers: { Origin: origin } } });

  test.each(['https://two.example.com', 'https://Two.example.com:443', 'capacitor://localhost'])(
    '%s is let in',
    async (origin) => {
      const client = await connect(cloud, newUser('bob'), from(origin));
      expect(await client.request('ping')).toMatchObject({ ok: true });
    },
  );

  test.each([
    'http://two.example.com',
    'https://two.example.com:8443',
    'https://example.com',
    'null',
    'file://',
  ])('%s is not', async (origin) => {
    expect(await refusal(cloud, newUser('bob'), from(origin))).toBe(403);
  });
});
