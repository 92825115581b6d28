// What functions take for Secrets Manager, over HTTP as the SDK speaks: JSON 1.1, one target.
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createIdentities, type FunctionRequest } from '../../../local/iam/roles.ts';
import type { SecretModel, SecretSource } from '../../../local/model.ts';
import { startSecrets } from '../../../local/secrets/secrets.ts';
import { SecretStore } from '../../../local/secrets/store.ts';
import { smallModel } from '../small-model.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (let closer = closers.pop(); closer; closer = closers.pop()) await closer();
});

const generated: SecretSource = {
  kind: 'generated',
  password: { length: 32, alphabets: ['abcdefgh', '0123456789'], requireEachAlphabet: true },
};

function secretModel(name: string, source: SecretSource = generated): SecretModel {
  const arn = `arn:aws:secretsmanager:us-east-1:000000000000:secret:${name}-a1b2c3`;
  return { name, secretName: name, arn, source };
}

async function setUp() {
  const [webhook, other] = [secretModel('webhook'), secretModel('other')];
  const actions = ['secretsmanager:GetSecretValue'];
  const missing = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:missing';
  const resources = [webhook.arn, missing];
  const small = smallModel({ roles: { consumer: [{ effect: 'Allow', actions, resources }] } });
  const model = { ...small, secrets: [webhook, other] };
  const identities = createIdentities(model);
  const warnings: string[] = [];
  const requests: FunctionRequest[] = [];
  const log = {
    info: () => {},
    warn: (_: string, text: string) => void warnings.push(text),
    error: (_: string, text: string) => expect.fail(text),
  };
  const secrets = await startSecrets({
    model,
    identities,
    log,
    clock: () => 1_500,
    onRequest: (request) => requests.push(request),
  });
  closers.push(() => secrets.close());
  const authorizationOf = (functionName: string) => {
    const { accessKeyId } = identities.credentialsFor(functionName, 'test');
    return `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20261126/us-east-1/secretsmanager/aws4_request, Signature=0`;
  };
  const ask = async (input: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(secrets.url, {
      method: 'POST',
      headers: {
        authorization: authorizationOf('consumer'),
        'x-amz-target': 'secretsmanager.GetSecretValue',
        ...headers,
      },
      body: typeof input === 'string' ? input : JSON.stringify(input),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  return { webhook, other, secrets, ask, authorizationOf, requests, warnings };
}

describe('GetSecretValue', () => {
  it('tells the value to whom the role allows it, and reports that it was asked', async () => {
    const { ask, webhook, requests } = await setUp();
    expect(await ask({ SecretId: webhook.arn })).toEqual({
      status: 200,
      body: {
        ARN: webhook.arn,
        Name: 'webhook',
        SecretString: expect.stringMatching(/^[a-h\d]{32}$/),
        VersionId: expect.stringMatching(/^[\da-f-]{36}$/),
        VersionStages: ['AWSCURRENT'],
        CreatedDate: 1.5,
      },
    });
    expect(requests).toEqual([
      {
        functionName: 'consumer',
        method: 'POST',
        path: '/',
        target: 'secretsmanager.GetSecretValue',
        body: JSON.stringify({ SecretId: webhook.arn }),
      },
    ]);
  });

  it('finds a secret by its name, and by its ARN without the end, too', async () => {
    const { ask, webhook } = await setUp();
    for (const SecretId of ['webhook', webhook.arn.slice(0, -7)]) {
      expect(await ask({ SecretId })).toMatchObject({ status: 200, body: { ARN: webhook.arn } });
    }
  });

  it('knows the current version and no other', async () => {
    const { ask } = await setUp();
    const current = await ask({ SecretId: 'webhook', VersionStage: 'AWSCURRENT' });
    const { VersionId } = current.body;
    expect(await ask({ SecretId: 'webhook', VersionId })).toEqual(current);
    for (const version of [{ VersionStage: 'AWSPREVIOUS' }, { VersionId: 'x' }]) {
      expect(await ask({ SecretId: 'webhook', ...version })).toMatchObject({
        status: 400,
        body: { __type: 'ResourceNotFoundException' },
      });
    }
  });

  it.each([
    ['a secret that is not there', { SecretId: 'missing' }, 'ResourceNotFoundException'],
    ['no secret', {}, 'InvalidParameterException'],
    ['what is no JSON', '{', 'SerializationException'],
    ['more than a request may hold', { SecretId: 'x'.repeat(20_000) }, 'InvalidParameterException'],
  ])('refuses %s', async (_case, input, __type) => {
    const { ask } = await setUp();
    expect(await ask(input)).toMatchObject({ status: 400, body: { __type } });
  });
});

describe('who may', () => {
  it('is a function whose role names the secret', async () => {
    const { ask, authorizationOf, other, warnings } = await setUp();
    const refused = {
      __type: 'AccessDeniedException',
      Message: expect.stringContaining(`secretsmanager:GetSecretValue on resource: ${other.arn}`),
    };
    expect(await ask({ SecretId: other.arn })).toMatchObject({ status: 400, body: refused });
    const authorization = authorizationOf('writer');
    expect(await ask({ SecretId: other.arn }, { authorization })).toMatchObject({ body: refused });
    // Whether a secret is there is told to nobody who may not read it.
    expect(await ask({ SecretId: 'nothing' })).toMatchObject({ body: { __type: 'AccessDeniedException' } });
    expect(warnings).toHaveLength(3);
  });

  it.each([
    ['nobody without credentials', { authorization: '' }, 'MissingAuthenticationTokenException'],
    [
      'nobody with credentials that are not known',
      { authorization: 'AWS4-HMAC-SHA256 Credential=ASIAX/1/us-east-1/secretsmanager/aws4_request' },
      'UnrecognizedClientException',
    ],
    ['no web page', { origin: 'https://evil.example' }, 'AccessDeniedException'],
  ])('is %s', async (_case, headers, __type) => {
    const { ask, webhook } = await setUp();
    expect(await ask({ SecretId: webhook.arn }, headers as Record<string, string>)).toMatchObject({
      body: { __type },
    });
  });
});

it('what is not known here is refused by name', async () => {
  const { ask } = await setUp();
  const target = 'secretsmanager.PutSecretValue';
  expect(await ask({}, { 'x-amz-target': target })).toMatchObject({
    status: 400,
    body: { Message: expect.stringContaining(`does not know ${target}`) },
  });
});

describe('values', () => {
  it('outlive a restart when there is a data directory, for its owner alone', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'secrets-'));
    closers.push(() => rm(directory, { recursive: true }));
    const dataDirectory = join(directory, 'data');
    const [webhook, other] = [secretModel('webhook'), secretModel('other')];
    const first = await SecretStore.open({ model: { secrets: [webhook] }, dataDirectory });
    await SecretStore.open({ model: { secrets: [other] }, dataDirectory });
    const again = await SecretStore.open({ model: { secrets: [webhook] }, dataDirectory });
    expect(again.find('webhook')).toEqual(first.find('webhook'));
    expect((await stat(join(dataDirectory, 'secrets.json'))).mode & 0o777).toBe(0o600);
  });

  it('that the template gives are the template’s, whatever was kept', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'secrets-'));
    closers.push(() => rm(directory, { recursive: true }));
    const open = async (value: string) => {
      const model = { secrets: [secretModel('given', { kind: 'given', value })] };
      return (await SecretStore.open({ model, dataDirectory: directory })).find('given')!;
    };
    const first = await open('one');
    expect(await open('one')).toEqual(first);
    const second = await open('two');
    expect(second.value).toBe('two');
    expect(second.versionId).not.toBe(first.versionId);
  });

  it('are others in each run without one', async () => {
    const model = { secrets: [secretModel('webhook')] };
    const [one, two] = [await SecretStore.open({ model }), await SecretStore.open({ model })];
    expect(one.find('webhook')!.value).not.toBe(two.find('webhook')!.value);
  });
});
