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

test.each(['', 'opaque', 'a.b.c', tokenOf({}), tokenOf({ sub: 7 }), tokenOf({ sub: '' })])(
  '%s is none',
  (token) => {
    expect(() => readToken(token)).toThrow(expect.objectContaining({ code: 'unauthorized' }));
  },
);

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
