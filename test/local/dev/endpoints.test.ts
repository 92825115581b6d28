// The developer endpoints under /dev/ (docs: README), over HTTP.
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeProtectedHeader, importJWK, jwtVerify } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDevEndpoints } from '../../../local/dev/endpoints.ts';
import type { DevState } from '../../../local/dev/state.ts';
import { Faults } from '../../../local/faults/faults.ts';
import { Metering } from '../../../local/metering.ts';
import { NotificationJournal } from '../../../local/notifications/journal.ts';
import { createTokens, openTokenKey, type TokenKey } from '../../../local/dev/tokens.ts';

let server: Server;
let url: string;
let tokenKey: TokenKey;
let metering: Metering;
let faults: Faults;
let webhookSecret: string | undefined;
/** Ids that the state was asked for after. */
let askedAfter: number[];

beforeEach(async () => {
  tokenKey = await openTokenKey();
  const tokens = await createTokens(tokenKey);
  metering = new Metering();
  faults = new Faults();
  webhookSecret = undefined;
  askedAfter = [];
  const readState = async (afterEventId: number) => {
    askedAfter.push(afterEventId);
    return { stack: 'test' } as DevState;
  };
  server = createServer(
    createDevEndpoints({
      tokens,
      metering,
      faults,
      queues: { contents: () => ({ Failures: [{ messageId: 'm1', sentAt: 1, body: '{}' }] }) },
      redrive: { run: async () => ({ redriven: 1, records: 2, moved: 0, kept: [] }) },
      journal: new NotificationJournal(),
      service: undefined,
      webhookSecret: () => webhookSecret,
      readState,
      describe: () => ({ stack: 'test' }),
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/dev`;
});

afterEach(async () => {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
});

it('faults lists the last 100 injections, and with ?all the whole run', async () => {
  faults.set({ gateway: { dropPush: 1 } });
  for (let push = 1; push <= 150; push++) faults.push(() => 'alice/phone');
  expect((await ask('faults')).body['last']).toHaveLength(100);
  expect((await ask('faults?all')).body['last']).toHaveLength(150);
});

it('a path of two slashes is answered like any that leads nowhere', async () => {
  expect((await fetch(`${new URL(url).origin}//`)).status).toBe(404);
});

async function ask(
  path: string,
  init?: RequestInit,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${url}/${path}`, init);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const report = (change: object = {}) => ({
  notificationId: 'n1',
  userId: 'bob',
  deviceId: 'phone',
  conversationId: 'd:alice:bob',
  seq: 1,
  from: 'alice',
  title: 'alice',
  preview: null,
  count: 1,
  outcome: 'dropped',
  reason: 'muted',
  at: 1,
  ...change,
});

describe('token', () => {
  it('is a JWT of the user, which the public key verifies', async () => {
    const { status, body } = await ask('token?user=alice');
    expect(status).toBe(200);
    const { payload } = await jwtVerify(String(body['token']), await importJWK(tokenKey.publicJwk), {
      algorithms: ['ES256'],
      issuer: tokenKey.parameters['TokenIssuer']!,
      audience: tokenKey.parameters['TokenAudience']!,
    });
    expect(payload).toMatchObject({ sub: 'alice', exp: expect.any(Number) });
    expect(tokenKey.publicJwk).not.toHaveProperty('d');
  });

  it.each([60, -60])('lives for the ttl that is asked for: %d s', async (ttl) => {
    const { body } = await ask(`token?user=alice&ttl=${ttl}`);
    const [, claims] = String(body['token']).split('.');
    const { iat, exp } = JSON.parse(Buffer.from(claims!, 'base64url').toString()) as {
      iat: number;
      exp: number;
    };
    expect(exp).toBe(Math.floor(iat) + ttl);
  });

  it.each([
    ['no user', 'token', 'user is missing'],
    ['a user of wrong characters', 'token?user=a%20b', 'user must match'],
    ['a user that is too long', `token?user=${'a'.repeat(65)}`, 'user must match'],
    ['an empty user', 'token?user=', 'user must match'],
    ['a ttl that is no number', 'token?user=alice&ttl=soon', 'ttl must be'],
  ])('is refused for %s', async (_case, path, reason) => {
    const { status, body } = await ask(path);
    expect(status).toBe(400);
    expect(body['error']).toContain(reason);
  });

  it.each(['http://localhost:5173', 'http://127.0.0.1:3000', 'https://[::1]'])(
    'is for pages of this machine, too: %s',
    async (origin) => {
      const { headers } = await fetch(`${url}/token?user=alice`, { headers: { origin } });
      expect(headers.get('access-control-allow-origin')).toBe(origin);
      expect(headers.get('vary')).toBe('Origin');
      const other = await fetch(`${url}/metrics`, { headers: { origin } });
      expect(other.headers.get('access-control-allow-origin')).toBeNull();
    },
  );

  it.each(['https://example.com', 'http://localhost.example.com', 'null'])(
    'is for no page from elsewhere: %s',
    async (origin) => {
      const { status, headers } = await fetch(`${url}/token?user=alice`, { headers: { origin } });
      expect(status).toBe(403);
      expect(headers.get('access-control-allow-origin')).toBeNull();
      expect(headers.get('vary')).toBe('Origin');
    },
  );

  it('outlives a restart when there is a data directory', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tokens-'));
    const before = await openTokenKey(join(directory, 'data'));
    const after = await openTokenKey(join(directory, 'data'));
    await rm(directory, { recursive: true });
    expect(after.publicJwk).toEqual(before.publicJwk);
    const token = await (await createTokens(before)).issueToken('alice');
    expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'ES256', kid: after.publicJwk.kid });
    await expect(jwtVerify(token, await importJWK(after.publicJwk))).resolves.toBeDefined();
  });
});

it('health says that it runs, and what', async () => {
  expect(await ask('health')).toEqual({ status: 200, body: { status: 'ok', stack: 'test' } });
});

it('metrics tells and resets what was metered', async () => {
  metering.recordMessageIn(10);
  expect((await ask('metrics')).body).toMatchObject({
    gateway: { messagesIn: 1 },
    lambda: {},
    dynamodb: { requests: 0 },
  });
  expect(await ask('metrics/reset', { method: 'POST' })).toMatchObject({
    status: 200,
    body: { gateway: { messagesIn: 0 } },
  });
});

describe('queues', () => {
  it('are shown with what waits in them, and redriven', async () => {
    expect(await ask('queues')).toMatchObject({
      status: 200,
      body: { Failures: [{ messageId: 'm1', body: '{}' }] },
    });
    expect(await ask('redrive', { method: 'POST' })).toMatchObject({
      status: 200,
      body: { redriven: 1, records: 2, kept: [] },
    });
    expect(await ask('redrive')).toMatchObject({ status: 405 });
  });
});

describe('notifications', () => {
  const post = (reports: unknown, headers = {}) =>
    ask('notifications', { method: 'POST', headers, body: JSON.stringify(reports) });

  it('are told by notifiers, and listed newest first, of all users or of one', async () => {
    const [one, two] = [report({ notificationId: 'n1' }), report({ notificationId: 'n2', userId: 'carol' })];
    expect(await post([one, two])).toEqual({ status: 200, body: { taken: 2 } });
    expect(await ask('notifications')).toEqual({ status: 200, body: [two, one] });
    expect(await ask('notifications?user=carol')).toEqual({ status: 200, body: [two] });
    expect(await ask('notifications?user=dave')).toEqual({ status: 200, body: [] });
  });

  it.each([
    ['a field of the wrong type', [report(), report({ count: '3' })], '1.count'],
    ['a field that is missing', [{ ...report(), userId: undefined }], '0.userId'],
    ['an outcome that is none', [report({ outcome: 'lost' })], '0.outcome'],
    ['what is no list', report(), 'Array'],
    ['more than a thousand', Array.from({ length: 1_001 }, () => report()), 'at most 1000'],
  ])('are refused for %s', async (_case, reports, reason) => {
    const { status, body } = await post(reports);
    expect(status).toBe(400);
    expect(body['error']).toContain(reason);
    expect((await ask('notifications')).body).toEqual([]);
  });

  it('are refused for what is no JSON', async () => {
    expect(await ask('notifications', { method: 'POST', body: '[' })).toMatchObject({ status: 400 });
  });
});

describe('push', () => {
  it('tells the secret of the webhook', async () => {
    webhookSecret = 'hush';
    expect(await ask('push')).toEqual({ status: 200, body: { webhookSecret: 'hush' } });
  });

  it('says how to configure one where there is none', async () => {
    const { status, body } = await ask('push');
    expect(status).toBe(404);
    expect(body['error']).toContain('-c pushWebhookUrl=');
  });
});

describe('faults', () => {
  it('are set, told and cleared', async () => {
    const plan = { seed: 7, gateway: { dropPush: 1 } };
    expect(await ask('faults', { method: 'POST', body: JSON.stringify(plan) })).toMatchObject({
      status: 200,
      body: { plan },
    });
    expect(faults.push(() => 'alice/phone')).toMatchObject({ drop: true });
    expect(await ask('faults')).toMatchObject({
      body: {
        plan,
        injected: { 'gateway.dropPush': 1 },
        last: [{ fault: 'gateway.dropPush', site: 'alice/phone', ordinal: 1 }],
      },
    });
    expect(await ask('faults', { method: 'DELETE' })).toMatchObject({ status: 200, body: { plan: null } });
    expect(faults.plan()).toBeUndefined();
  });

  it.each([
    ['an unknown key', '{"gateway":{"explode":1}}', 'gateway.explode'],
    ['a rate above 1', '{"lambda":{"crashAfter":2}}', 'lambda.crashAfter'],
    ['what is no JSON', 'x', 'JSON'],
    ['what is far too long', `{"seed":${'1'.repeat(100_000)}}`, 'bytes'],
  ])('are refused for %s', async (_case, body, reason) => {
    const { status, body: answer } = await ask('faults', { method: 'POST', body });
    expect(status).toBe(400);
    expect(answer['error']).toContain(reason);
    expect(faults.plan()).toBeUndefined();
  });
});

describe('state', () => {
  it('is asked for after an event, or from the first', async () => {
    expect(await ask('state')).toMatchObject({ status: 200, body: { stack: 'test' } });
    await ask('state?after=17');
    expect(askedAfter).toEqual([0, 17]);
  });

  it.each(['-1', 'x', '1e9'])('is refused after %s', async (after) => {
    expect(await ask(`state?after=${after}`)).toMatchObject({ status: 400 });
    expect(askedAfter).toEqual([]);
  });
});

describe('the page', () => {
  it.each([
    ['', 'text/html', '<!doctype html>'],
    ['/', 'text/html', '<!doctype html>'],
    ['/page.css', 'text/css', ':root'],
    ['/page.js', 'text/javascript', '/dev/state'],
    ['/icon.svg', 'image/svg+xml', '<svg'],
  ])('/dev%s is %s', async (path, contentType, content) => {
    const response = await fetch(`${url}${path}`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(`${contentType}; charset=utf-8`);
    expect(await response.text()).toContain(content);
  });

  it('may load nothing from elsewhere, and be framed by nobody', async () => {
    const { headers } = await fetch(`${url}/`);
    const policy = headers.get('content-security-policy');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });
});

it('an unknown path is 404 and says what there is', async () => {
  const { status, body } = await ask('nothing');
  expect(status).toBe(404);
  expect(body['error']).toContain('GET /dev/token');
});

it('a wrong method is 405', async () => {
  expect(await ask('metrics/reset')).toMatchObject({
    status: 405,
    body: { error: '/dev/metrics/reset takes POST' },
  });
});

describe('answer this machine only', () => {
  const statusWith = async (headers: Record<string, string>): Promise<number | undefined> => {
    const request = httpRequest(`${url}/token?user=alice`, { headers }).end();
    const [response] = (await once(request, 'response')) as [{ statusCode?: number; resume(): void }];
    response.resume();
    return response.statusCode;
  };

  it.each(['127.0.0.1:4000', 'localhost:4000', 'localhost', '[::1]:4000'])(
    'Host %s is fine',
    async (host) => {
      expect(await statusWith({ host })).toBe(200);
    },
  );

  // DNS rebinding: a page of another site whose name resolves to 127.0.0.1
  it.each(['evil.example', 'localhost.evil.example', '127.0.0.1.nip.io:4000'])(
    'Host %s is not',
    async (host) => {
      expect(await statusWith({ host })).toBe(403);
    },
  );

  it('nor is the request of another site’s page', async () => {
    expect(await statusWith({ origin: 'https://evil.example' })).toBe(403);
    expect(await statusWith({ origin: 'http://localhost:5173' })).toBe(200);
    expect(await statusWith({ origin: 'null' })).toBe(403);
  });

  describe('and what changes something, our own page only', () => {
    const writes = [
      ['POST', 'metrics/reset', ''],
      ['POST', 'redrive', ''],
      ['POST', 'notifications', '[]'],
      ['DELETE', 'faults', ''],
    ] as const;

    it.each(writes)('%s %s', async (method, path, body) => {
      const { origin } = new URL(url);
      const statusOf = async (headers: Record<string, string>): Promise<number | undefined> => {
        const request = httpRequest(`${url}/${path}`, { method, headers }).end(body);
        const [response] = (await once(request, 'response')) as [{ statusCode?: number; resume(): void }];
        response.resume();
        return response.statusCode;
      };
      expect(await statusOf({})).toBe(200);
      expect(await statusOf({ origin, 'sec-fetch-site': 'same-origin' })).toBe(200);
      expect(await statusOf({ origin: 'null' })).toBe(403);
      expect(await statusOf({ origin: 'https://evil.example' })).toBe(403);
      expect(await statusOf({ origin: 'http://localhost:5173' })).toBe(403);
      expect(await statusOf({ 'sec-fetch-site': 'cross-site' })).toBe(403);
      expect(await statusOf({ origin: 'http://evil.example', host: 'evil.example' })).toBe(403);
    });
  });
});
