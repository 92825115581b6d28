// Reading secrets: seldom, signed, and through the service's bad days.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createSecrets } from '../../src/runtime/secrets.ts';
import { startScriptedServer, type ScriptedAnswer } from './scripted-server.ts';

const arn = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:push-AbCdEf';
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

afterEach(() => {
  vi.unstubAllEnvs();
});

const holding = (value: string): ScriptedAnswer => ({
  status: 200,
  body: JSON.stringify({ SecretString: value }),
});
const down: ScriptedAnswer = { status: 500, body: '{}' };

async function startService(...answers: [ScriptedAnswer, ...ScriptedAnswer[]]) {
  const server = await startScriptedServer(...answers);
  vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', server.url);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'ASIATEST');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  let now = 0;
  const secrets = createSecrets(() => now);
  const pass = (ms: number) => {
    now += ms;
  };
  return { ...server, read: () => secrets.read(arn), pass };
}

describe('a secret', () => {
  it('is asked for by a signed request', async () => {
    const { read, asked } = await startService(holding('one'));
    expect(await read()).toBe('one');
    expect(JSON.parse(asked[0]!.body)).toEqual({ SecretId: arn });
    expect(asked[0]!.headers).toMatchObject({
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'secretsmanager.GetSecretValue',
      authorization: expect.stringContaining('/us-east-1/secretsmanager/aws4_request'),
    });
  });

  it('is kept for five minutes, then read again', async () => {
    const { read, asked, pass } = await startService(holding('one'), holding('two'));
    await read();
    pass(5 * MINUTE_MS - 1);
    expect(await read()).toBe('one');
    expect(asked).toHaveLength(1);
    pass(1);
    expect(await read()).toBe('two');
  });

  it('is asked for once by reads at the same time', async () => {
    const { read, asked } = await startService(holding('one'));
    expect(await Promise.all([read(), read(), read()])).toEqual(['one', 'one', 'one']);
    expect(asked).toHaveLength(1);
  });

  it('serves for a day while the service is down, and is not asked for at each read', async () => {
    const { read, asked, pass } = await startService(holding('one'), down);
    await read();
    pass(DAY_MS - 1);
    expect(await read()).toBe('one');
    const tries = asked.length;
    expect(await Promise.all([read(), read()])).toEqual(['one', 'one']);
    expect(asked).toHaveLength(tries);
    pass(1);
    await expect(read()).rejects.toThrow(/was not read/);
  });

  it.each<ScriptedAnswer>([down, { status: 429 }, { status: 400, body: '{"__type":"ThrottlingException"}' }])(
    'is asked for again after %o',
    async (answer) => {
      const { read, asked } = await startService(answer, holding('one'));
      expect(await read()).toBe('one');
      expect(asked).toHaveLength(2);
    },
  );

  it('is asked for once where it is refused, and says why', async () => {
    const { read, asked } = await startService({ status: 400, body: '{"__type":"AccessDeniedException"}' });
    await expect(read()).rejects.toMatchObject({
      message: `The secret ${arn} was not read`,
      cause: expect.objectContaining({ message: expect.stringContaining('AccessDeniedException') }),
    });
    expect(asked).toHaveLength(1);
  });

  it('that nobody answers for is given up', async () => {
    const { read, stop } = await startService(holding('one'));
    stop();
    await expect(read()).rejects.toMatchObject({
      cause: expect.objectContaining({ message: 'Secrets Manager did not answer' }),
    });
  });

  it('is not quoted where the answer makes no sense', async () => {
    const { read } = await startService({ status: 200, body: '{"SecretString":"hush' });
    const error = await read().catch((thrown: unknown) => thrown as Error);
    expect((error as Error).cause).toMatchObject({ message: 'It is no text' });
  });
});
