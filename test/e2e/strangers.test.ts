// What one user can do to others whom they have nothing to do with, or to the tables, by trying often.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { connect, type Frame } from '../support/client.ts';
import { scan, startCloud } from '../support/cloud.ts';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.close());

const codeOf = (answer: Frame) => (answer['error'] as { code: string } | undefined)?.code ?? 'ok';

describe('P5.1b: beginning conversations, with people who exist or not', () => {
  test('goes twenty at once, and then no faster than one every three seconds', async () => {
    const mallory = await connect(cloud, 'mallory');
    const victims = ['carol', 'dave'];
    for (const victim of victims) await connect(cloud, victim);
    const answers: Frame[] = [];
    for (let n = 0; n < 40; n++) {
      const to = n % 10 === 0 ? victims[n / 10] : undefined;
      answers.push(await mallory.send(`user:${to ?? `nobody-${n}`}`, 'hi'));
    }
    const codes = answers.map(codeOf);
    const tried = codes.filter((code) => code !== 'rate_limited').length;
    // Some seconds have passed meanwhile, on a slow machine.
    expect(tried).toBeGreaterThanOrEqual(20);
    expect(tried).toBeLessThan(40);
    expect(codes.slice(0, 20).filter((code) => code === 'ok')).toHaveLength(2);
    const limited = answers.find((answer) => codeOf(answer) === 'rate_limited');
    expect(limited).toMatchObject({ error: { retryable: true, retryAfterMs: expect.any(Number) as number } });
    // Conversations that exist are no part of it, nor are the other way's, nor other users.
    expect(codeOf(await mallory.send('user:carol', 'hi again'))).toBe('ok');
    const carol = await connect(cloud, 'carol', { deviceId: 'pad', platform: 'web' });
    expect(codeOf(await carol.send('user:dave', 'who is that?'))).toBe('ok');
  });

  test('at once on many devices: the limit is the user’s', async () => {
    const devices = await Promise.all(
      ['ios', 'web', 'desktop', 'android'].map((platform) =>
        connect(cloud, 'crowd', { deviceId: platform, platform }),
      ),
    );
    const started = Date.now();
    const answers = await Promise.all(
      devices.flatMap((device) =>
        Array.from({ length: 12 }, (_, n) => device.send(`user:nobody-${n}`, 'hi')),
      ),
    );
    const tried = answers.map(codeOf).filter((code) => code !== 'rate_limited').length;
    expect(tried).toBeLessThanOrEqual(20 + Math.ceil((Date.now() - started) / 3_000));
  });

  test('B10: a try costs at most 3 write units, whoever it is for', async () => {
    const mallory = await connect(cloud, 'mallory-2');
    await cloud.settled();
    const units = async (send: () => Promise<Frame>, code: string) => {
      cloud.resetMetrics();
      expect(codeOf(await send())).toBe(code);
      return cloud.metrics().dynamodb.writeUnits;
    };
    expect(await units(() => mallory.send('user:nobody', 'hi'), 'user_not_found')).toBeLessThanOrEqual(3);
    while (codeOf(await mallory.send('user:nobody', 'hi')) !== 'rate_limited');
    expect(await units(() => mallory.send('user:nobody', 'hi'), 'rate_limited')).toBeLessThanOrEqual(3);
  });
});

test('P5.7: a user who makes up devices leaves fifty of them', async () => {
  const first = await connect(cloud, 'many', { deviceId: 'device-0', platform: 'web' });
  await first.request('device', { pushToken: 'token of device-0' });
  for (let n = 1; n <= 52; n++) await (await connect(cloud, 'many', { deviceId: `device-${n}` })).close();
  await cloud.settled();
  const items = (await scan(cloud, 'Users')).filter(({ userId }) => userId === 'many');
  const devices = items.filter(({ item }) => String(item).startsWith('DEVICE#'));
  expect(devices).toHaveLength(50);
  expect(devices.every(({ expiresAt }) => typeof expiresAt === 'number')).toBe(true);
  expect(devices.map(({ item }) => item)).not.toContain('DEVICE#device-0');
  // With its registration.
  expect(JSON.stringify(await scan(cloud, 'Users'))).not.toContain('token of device-0');
});
