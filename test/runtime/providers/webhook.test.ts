// The webhook: what it is sent, signed how, and what its answers come to.
import { createHmac } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createProviders } from '../../../src/runtime/providers/providers.ts';
import { createWebhook } from '../../../src/runtime/providers/webhook.ts';
import { startScriptedServer, type ScriptedAnswer } from '../scripted-server.ts';
import { notification } from './notification.ts';

const NOW_MS = 1_700_000_000_999;

async function startWebhook(...answers: [ScriptedAnswer, ...ScriptedAnswer[]]) {
  const server = await startScriptedServer(...answers);
  const options = { url: `${server.url}/push?to=us`, secret: async () => 'hush', now: () => NOW_MS };
  return { ...server, options, webhook: createWebhook(options) };
}

describe('a webhook', () => {
  it('is posted the notification, signed with the time', async () => {
    const { webhook, asked } = await startWebhook({ status: 204 });
    expect(await webhook.send(notification)).toBe('sent');
    const { method, path, headers, body } = asked[0]!;
    expect([method, path, headers['content-type']]).toEqual(['POST', '/push?to=us', 'application/json']);
    expect(JSON.parse(body)).toEqual(notification);
    const digest = createHmac('sha256', 'hush').update(`1700000000.${body}`).digest('hex');
    expect(headers['x-im-signature']).toBe(`t=1700000000,v1=${digest}`);
  });

  it('is not sent what a notification does not have, nor what it has beside', async () => {
    const { webhook, asked } = await startWebhook({ status: 200 });
    const { badge: _badge, ...rest } = notification;
    await webhook.send(Object.assign({ internal: true }, rest, { preview: null }));
    expect(JSON.parse(asked[0]!.body)).toEqual({ ...rest, preview: null });
  });

  it.each<ScriptedAnswer>([{ status: 410 }, { status: 200, body: '{"gone":true}' }])(
    'says with %o that the token is gone',
    async (answer) => {
      const { webhook } = await startWebhook(answer);
      expect(await webhook.send(notification)).toBe('gone');
    },
  );

  it.each(['', 'ok', 'null', '{"gone":"true"}', `${' '.repeat(4_096)}{"gone":true}`])(
    'that answers 200 and something else has taken it',
    async (body) => {
      const { webhook } = await startWebhook({ status: 200, body });
      expect(await webhook.send(notification)).toBe('sent');
    },
  );

  it.each([500, 503, 408, 429])('is tried again after %i', async (status) => {
    const { webhook, asked } = await startWebhook({ status }, { status: 200 });
    expect(await webhook.send(notification)).toBe('sent');
    expect(asked).toHaveLength(2);
  });

  it('is given up after three tries, with the status and nothing of the notification', async () => {
    const { webhook, asked } = await startWebhook({ status: 503, body: 'token-of-bob' });
    await expect(webhook.send(notification)).rejects.toThrow(/^The webhook answered 503$/);
    expect(asked).toHaveLength(3);
  });

  it.each([400, 401, 404])('is not tried again after %i', async (status) => {
    const { webhook, asked } = await startWebhook({ status });
    await expect(webhook.send(notification)).rejects.toThrow(`The webhook answered ${status}`);
    expect(asked).toHaveLength(1);
  });

  it('leads nowhere else', async () => {
    const other = await startScriptedServer({ status: 200 });
    const { webhook } = await startWebhook({ status: 307, headers: { location: other.url } });
    await expect(webhook.send(notification)).rejects.toThrow('The webhook answered 307');
    expect(other.asked).toHaveLength(0);
  });

  it('that says nothing is waited for only so long', async () => {
    const { options } = await startWebhook({ status: 200, after: new Promise(() => {}) });
    const webhook = createWebhook({ ...options, timeoutMs: 20 });
    await expect(webhook.send(notification)).rejects.toThrow('The webhook did not answer');
  });
});

describe('the providers', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });
  const secrets = { read: async (arn: string) => `secret of ${arn}` };
  const configured = () => createProviders({ secrets, now: () => NOW_MS });

  it('are those that are configured', () => {
    expect(configured().get('webhook')).toBeUndefined();
    vi.stubEnv('PUSH_WEB_PUSH_SECRET_ARN', 'arn');
    expect(configured().get('web-push')).toBeDefined();
    expect(configured().get('fcm')).toBeUndefined();
    vi.stubEnv('PUSH_FCM_SECRET_ARN', 'arn');
    vi.stubEnv('PUSH_APNS_SECRET_ARN', 'arn');
    vi.stubEnv('PUSH_SNS', '{}');
    for (const name of ['fcm', 'apns', 'sns']) expect(configured().get(name)).toBeDefined();
    expect(configured().get('webhook')).toBeUndefined();
  });

  it('take everything where there are none but a journal', async () => {
    vi.stubEnv('NOTIFICATION_JOURNAL_URL', 'http://127.0.0.1:1/');
    expect(await configured().get('fcm')!.send(notification)).toBe('sent');
  });

  it('leave to the webhook what none of them takes', async () => {
    const { url, asked } = await startScriptedServer({ status: 200 });
    vi.stubEnv('PUSH_WEBHOOK_URL', url);
    vi.stubEnv('PUSH_WEBHOOK_SECRET_ARN', 'arn');
    expect(await configured().get('fcm')!.send(notification)).toBe('sent');
    expect(asked).toHaveLength(1);
  });

  it('have a webhook, signed with its secret', async () => {
    const { url, asked } = await startScriptedServer({ status: 200 });
    vi.stubEnv('PUSH_WEBHOOK_URL', url);
    vi.stubEnv('PUSH_WEBHOOK_SECRET_ARN', 'arn');
    expect(await configured().get('webhook')?.send(notification)).toBe('sent');
    const digest = createHmac('sha256', 'secret of arn').update(`1700000000.${asked[0]!.body}`).digest('hex');
    expect(asked[0]!.headers['x-im-signature']).toContain(digest);
  });

  it('leave a webhook alone that is down', async () => {
    const { url, asked } = await startScriptedServer({ status: 500 });
    vi.stubEnv('PUSH_WEBHOOK_URL', url);
    vi.stubEnv('PUSH_WEBHOOK_SECRET_ARN', 'arn');
    const webhook = configured().get('webhook')!;
    const sendMany = (count: number) =>
      Promise.allSettled(Array.from({ length: count }, () => webhook.send(notification)));
    await sendMany(5);
    await expect(webhook.send(notification)).rejects.toThrow(/left alone/);
    // Three tries each.
    expect(asked).toHaveLength(15);
  });

  it('are not configured by half', () => {
    vi.stubEnv('PUSH_WEBHOOK_URL', 'https://push.example');
    expect(configured).toThrow(/PUSH_WEBHOOK_SECRET_ARN is not set/);
  });
});
