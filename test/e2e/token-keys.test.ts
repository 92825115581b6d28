// What a handshake is answered while the keys of tokens are not to be had, or must not be used.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { afterEach, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import type { Log } from '../../local/log.ts';
import { synthesize } from '../../local/template/synthesize.ts';
import { connect, refusal } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';
import { createSigningKey, startJwksServer } from '../support/jwks-server.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function startWith(keys: string, log?: Log): Promise<Cloud> {
  const environment = { TOKEN_KEYS: keys, TOKEN_ISSUER: 'https://id.example.com', TOKEN_AUDIENCE: 'chat' };
  const cloud = await startCloud({ environment, log });
  closers.push(() => cloud.close());
  return cloud;
}

describe('P1.2: a handshake', () => {
  test('while the JWKS is down is answered 500, with a bad token 401, and lets in once it is up', async () => {
    const key = await createSigningKey();
    const jwks = await startJwksServer();
    closers.push(() => jwks.close());
    const cloud = await startWith(jwks.url);
    jwks.respond(503, 'busy');
    expect(await refusal(cloud, 'bob', { token: await key.sign() })).toBe(500);
    expect(await refusal(cloud, 'bob', { token: 'no.token.atall' })).toBe(401);
    jwks.publish(key.publicJwk);
    const bob = await connect(cloud, 'bob', { token: await key.sign() });
    expect(await bob.request('ping')).toMatchObject({ ok: true });
    await bob.close();
  });

  test('where a private key was configured is answered 500; the log names the fault and not the key', async () => {
    const key = await createSigningKey();
    const lines: string[] = [];
    const note = (...parts: unknown[]) => void lines.push(JSON.stringify(parts));
    const cloud = await startWith(JSON.stringify({ ...key.privateJwk, kid: 'leaked' }), {
      info: note,
      warn: note,
      error: note,
    });
    expect(await refusal(cloud, 'bob', { token: await key.sign() })).toBe(500);
    expect(lines.join()).toMatch(/TOKEN_KEYS: key .{1,4}leaked.{1,4} is private/);
    expect(lines.join()).not.toContain(key.privateJwk.d);
  });
});

test('tokens of /dev/token name the user in the claim that is configured', async () => {
  const outDirectory = await mkdtemp(join(tmpdir(), 'serverless-im-claim-'));
  closers.push(() => rm(outDirectory, { recursive: true }));
  const templatePath = await synthesize({ outDirectory, context: { userClaim: 'email' } });
  const cloud = await startCloud({ templatePath });
  closers.unshift(() => cloud.close());
  const response = await fetch(`${cloud.httpUrl}/dev/token?user=bob@example.com`);
  const { token } = (await response.json()) as { token: string };
  expect(decodeJwt(token)).toMatchObject({ email: 'bob@example.com' });
  const bob = await connect(cloud, 'bob@example.com', { token });
  expect(await bob.request('ping')).toMatchObject({ ok: true });
  await bob.close();
});
