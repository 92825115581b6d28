// Where the chat has its token from.
import { expect, test } from 'vitest';
import { tokenOf } from '../../cli/token.ts';

const url = 'ws://127.0.0.1:4000';
const ask = async (options: Parameters<typeof tokenOf>[0]) => {
  const token = tokenOf(options);
  return typeof token === 'string' ? token : await token();
};

test('a token is used as it is given, a command is asked for each', async () => {
  expect(await ask({ url, token: 'a.b.c' })).toBe('a.b.c');
  expect(await ask({ url, tokenCommand: 'echo a.b.c' })).toBe('a.b.c');
});

test('a command that fails says which it is, and with what', async () => {
  await expect(ask({ url, tokenCommand: 'echo not signed in >&2; exit 3' })).rejects.toThrow(
    /exit 3\nnot signed in/,
  );
});

test('without a local cloud there is none for a user', async () => {
  await expect(ask({ url: 'ws://127.0.0.1:9', user: 'alice' })).rejects.toThrow(
    'no local cloud answers at http://127.0.0.1:9 (npm start)',
  );
});
