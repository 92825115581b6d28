// Web Push against a push service that decrypts like a browser and verifies who sends.
import { createDecipheriv, createECDH, hkdfSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, importJWK, jwtVerify } from 'jose';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createWebPush } from '../../../src/runtime/providers/web-push.ts';
import { notification } from './notification.ts';

const NOW_MS = Date.now();
const ENDPOINT = 'https://fcm.googleapis.com/wp/device';

/** A browser with its subscription, and the push service that it is subscribed at. */
async function startBrowser(status = 201) {
  const browser = createECDH('prime256v1');
  const p256dh = browser.generateKeys();
  const auth = randomBytes(16);
  const asked: { headers: IncomingMessage['headers']; body: Buffer }[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    asked.push({ headers: request.headers, body: Buffer.concat(chunks) });
    response.writeHead(status).end();
  };
  const server = createServer((request, response) => {
    void answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const local = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const provider = createWebPush({
    secret: async () =>
      JSON.stringify({ subject: 'mailto:a@example.com', privateKey: await exportJWK(privateKey) }),
    now: () => NOW_MS,
    fetch: (_url, init) => fetch(local, init),
  });
  const keys = { p256dh: p256dh.toString('base64url'), auth: auth.toString('base64url') };
  const decrypt = (body: Buffer): Record<string, unknown> => {
    const salt = body.subarray(0, 16);
    const sender = body.subarray(21, 21 + body.readUInt8(20));
    const sealed = body.subarray(21 + sender.length);
    const info = Buffer.concat([Buffer.from('WebPush: info\0'), p256dh, sender]);
    const material = Buffer.from(hkdfSync('sha256', browser.computeSecret(sender), auth, info, 32));
    const key = Buffer.from(hkdfSync('sha256', material, salt, 'Content-Encoding: aes128gcm\0', 16));
    const nonce = Buffer.from(hkdfSync('sha256', material, salt, 'Content-Encoding: nonce\0', 12));
    const decipher = createDecipheriv('aes-128-gcm', key, nonce).setAuthTag(sealed.subarray(-16));
    const plain = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
    expect(plain.at(-1)).toBe(2);
    return JSON.parse(plain.subarray(0, -1).toString()) as Record<string, unknown>;
  };
  const send = (changes: { endpoint?: string; preview?: string } = {}) => {
    const { endpoint = ENDPOINT, preview = 'hi' } = changes;
    return provider.send({ ...notification, preview, pushToken: JSON.stringify({ endpoint, keys }) });
  };
  return { send, asked, decrypt, provider };
}

describe('Web Push', () => {
  it('brings to the browser what only the browser can read', async () => {
    const { send, asked, decrypt } = await startBrowser();
    expect(await send()).toBe('sent');
    const { title, preview, count, badge, conversationId, seq, notificationId } = notification;
    const expected = { title, fromName: 'alice', preview, count, badge, conversationId, seq, notificationId };
    expect(decrypt(asked[0]!.body)).toEqual(expected);
    expect(asked[0]!.headers).toMatchObject({
      'content-encoding': 'aes128gcm',
      ttl: '86400',
      topic: expect.stringMatching(/^[\w-]{32}$/),
    });
  });

  it('says who sends', async () => {
    const { send, asked } = await startBrowser();
    await send();
    const [, token, key] = /^vapid t=(\S+), k=(\S+)$/.exec(asked[0]!.headers.authorization!)!;
    const point = Buffer.from(key!, 'base64url');
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString('base64url'));
    const publicKey = await importJWK({ kty: 'EC', crv: 'P-256', x: x!, y: y! }, 'ES256');
    const { payload } = await jwtVerify(token!, publicKey, { audience: 'https://fcm.googleapis.com' });
    expect(payload.sub).toBe('mailto:a@example.com');
  });

  it('cuts the preview so that a push service takes it', async () => {
    const { send, asked, decrypt } = await startBrowser();
    await send({ preview: '😀'.repeat(2_000) });
    expect(asked[0]!.body.length).toBeLessThanOrEqual(4_096);
    expect(decrypt(asked[0]!.body)['preview']).toMatch(/^(😀)+$/u);
  });

  it.each([404, 410])('knows by %i that the subscription is gone', async (status) => {
    expect(await (await startBrowser(status)).send()).toBe('gone');
  });

  it('fails with the status alone', async () => {
    const { send } = await startBrowser(503);
    await expect(send()).rejects.toThrow(/^The push service answered 503$/);
  });

  it.each([
    'http://fcm.googleapis.com/wp',
    'https://fcm.googleapis.com:8443/wp',
    'https://fcm.googleapis.com.example.org/wp',
    'https://push.apple.com.example.org/',
    'https://evilpush.apple.com/',
    'https://fcm.googleapis.com@169.254.169.254/',
    'https://169.254.169.254/latest',
  ])('does not call %s', async (endpoint) => {
    const { send, asked } = await startBrowser();
    expect(await send({ endpoint })).toBe('gone');
    expect(asked).toEqual([]);
  });

  it('takes a token for gone that is no subscription', async () => {
    const { provider } = await startBrowser();
    expect(await provider.send(notification)).toBe('gone');
    const keys = { p256dh: Buffer.alloc(65, 4).toString('base64url'), auth: 'AAAAAAAAAAAAAAAAAAAAAA' };
    const pushToken = JSON.stringify({ endpoint: ENDPOINT, keys });
    expect(await provider.send({ ...notification, pushToken })).toBe('gone');
  });
});
