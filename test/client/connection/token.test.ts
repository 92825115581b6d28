// What a client reads of its tokens.
import { expect, test } from 'vitest';
import { standardEnvironment } from '../../../src/client/environment.ts';
import { createTokenSource, readToken } from '../../../src/client/connection/token.ts';

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const tokenOf = (payload: object) => `${encode({ alg: 'ES256' })}.${encode(payload)}.signature`;

test('whose it is, and until when', () => {
  const token = tokenOf({ sub: 'alice', exp: 1_795_000_000, name: 'Älice ~~~???' });
  expect(readToken(token)).toEqual({ token, userId: 'alice', expiresAtMs: 1_795_000_000_000 });
});

test.each([
  '',
  'opaque',
  `${tokenOf({ sub: 'a' })}\n`,
  `"${tokenOf({ sub: 'a' })}"`,
  `Bearer ${tokenOf({ sub: 'a' })}`,
  'a.b.c',
  tokenOf({}),
  tokenOf({ sub: 7 }),
  tokenOf({ sub: '' }),
])('%s is none', (token) => {
  expect(() => readToken(token)).toThrow(expect.objectContaining({ code: 'unauthorized' }));
});

test('the first token is used for the first handshake, then each has its own; another user’s is refused', async () => {
  const users = ['alice', 'alice', 'mallory'];
  let asked = 0;
  const source = createTokenSource(
    async () => tokenOf({ sub: users[asked++], exp: asked }),
    standardEnvironment,
  );
  expect(await source.first()).toMatchObject({ userId: 'alice', expiresAtMs: 1000 });
  expect(await source.next('alice')).toMatchObject({ expiresAtMs: 1000 });
  expect(await source.next('alice')).toMatchObject({ expiresAtMs: 2000 });
  await expect(source.next('alice')).rejects.toMatchObject({ code: 'wrong_user' });
});

test('a plain token is taken as it is; what an app throws comes as an ImError', async () => {
  const token = tokenOf({ sub: 'alice' });
  const plain = createTokenSource(token, standardEnvironment);
  expect(await plain.first()).toMatchObject({ token });
  expect(await plain.next('alice')).toMatchObject({ token });
  const thrower = () => {
    throw new TypeError('no session');
  };
  for (const failing of [thrower, async () => thrower()]) {
    const source = createTokenSource(failing, standardEnvironment);
    await expect(source.first()).rejects.toMatchObject({ name: 'ImError', message: 'no session' });
  }
});
