// A template with the secret of a webhook: developers are told it, and with a data directory it outlives a restart.
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, inject, it } from 'vitest';
import { startCloud } from '../../support/cloud.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (let closer = closers.pop(); closer; closer = closers.pop()) await closer();
});

interface Template {
  Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
}

/** The template of this run, with a secret that one of its functions is told of; beside it, for the sake of its assets. */
async function templateWithSecret(): Promise<string> {
  const template = JSON.parse(await readFile(inject('templatePath'), 'utf8')) as Template;
  const [first] = Object.values(template.Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function');
  const { Environment } = first!.Properties as { Environment?: { Variables: object } };
  const variables = { ...Environment?.Variables, PUSH_WEBHOOK_SECRET_ARN: { Ref: 'WebhookSecret' } };
  first!.Properties['Environment'] = { Variables: variables };
  template.Resources['WebhookSecret'] = {
    Type: 'AWS::SecretsManager::Secret',
    Properties: { GenerateSecretString: { ExcludePunctuation: true } },
  };
  const path = join(dirname(inject('templatePath')), `with-secret-${randomUUID()}.template.json`);
  await writeFile(path, JSON.stringify(template));
  closers.push(() => rm(path));
  return path;
}

it('is told to developers, the same after a restart', async () => {
  const templatePath = await templateWithSecret();
  const tablePrefix = `t${randomUUID().slice(0, 8)}-`;
  const directory = await mkdtemp(join(tmpdir(), 'cloud-'));
  closers.push(() => rm(directory, { recursive: true }));
  const secretOf = async (): Promise<unknown> => {
    const cloud = await startCloud({ templatePath, dataDirectory: directory, tablePrefix });
    try {
      return await (await fetch(`${cloud.httpUrl}/dev/push`)).json();
    } finally {
      await cloud.close();
    }
  };
  const told = await secretOf();
  expect(told).toEqual({ webhookSecret: expect.stringMatching(/^[A-Za-z\d]{32}$/) });
  expect(await secretOf()).toEqual(told);
});
