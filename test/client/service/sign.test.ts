// The service client's signature beside that of the AWS SDK's signer: the same header for whatever request.
import { Sha256 } from '@smithy/core/checksum';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { signRequest, type Credentials } from '../../../src/client/service/sign.ts';

interface Example {
  readonly method: string;
  readonly path: readonly string[];
  readonly query: Readonly<Record<string, string>>;
  readonly body: string;
  readonly sessionToken: string | undefined;
  readonly now: number;
}

async function bothSign({ method, path, query, body, sessionToken, now }: Example) {
  const url = new URL(
    `https://abc.execute-api.eu-central-1.amazonaws.com:8443/${path.map(encodeURIComponent).join('/')}`,
  );
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const credentials: Credentials = {
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG',
    sessionToken,
  };
  const [region, service] = ['eu-central-1', 'execute-api'];
  const headers = { 'content-type': 'application/json' };
  const signer = new SignatureV4({
    service,
    region,
    sha256: Sha256,
    credentials: { ...credentials, ...(sessionToken ? { sessionToken } : {}) } as never,
  });
  const theirs = await signer.sign(
    new HttpRequest({
      protocol: 'https:',
      hostname: url.hostname,
      port: 8443,
      method,
      path: url.pathname,
      query,
      headers: { host: url.host, ...headers },
      body,
    }),
    { signingDate: new Date(now) },
  );
  return [
    signRequest({ method, url, headers, body }, { credentials, region, service, now })['authorization'],
    theirs.headers['authorization'],
  ];
}

test('P8.41 any request is signed as the AWS SDK signs it', async () => {
  const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 });
  const example = fc.record({
    method: fc.constantFrom('GET', 'POST', 'DELETE'),
    path: fc.array(
      text.filter((part) => part !== '.' && part !== '..'),
      { minLength: 1, maxLength: 4 },
    ),
    query: fc.dictionary(fc.stringMatching(/^[A-Za-z0-9_~-]{1,8}$/), text, {
      maxKeys: 4,
      noNullPrototype: true,
    }),
    body: fc.string({ unit: 'grapheme' }),
    sessionToken: fc.option(fc.base64String({ minLength: 8 }), { nil: undefined }),
    now: fc.integer({ min: 0, max: 4e12 }),
  });
  await fc.assert(
    fc.asyncProperty(example, async (given) => {
      const [ours, theirs] = await bothSign(given);
      expect(ours).toBe(theirs);
    }),
    { numRuns: 300 },
  );
});

test.each([
  ['GET', ['v1', 'users', 'alice@example.org'], { cursor: 'a+b/c=' }, ''],
  ['POST', ['v1', 'groups', 'g:abc', 'members'], {}, '{"users":["bob"]}'],
  ['DELETE', ['v1', 'groups', "a!'()* ~"], {}, ''],
])('P8.41 as %s of %j', async (method, path, query, body) => {
  const now = Date.UTC(2026, 10, 26, 13, 15);
  const [ours, theirs] = await bothSign({ method, path, query, body, sessionToken: undefined, now });
  expect(ours).toContain('Credential=AKIDEXAMPLE/20261126/eu-central-1/execute-api/aws4_request');
  expect(ours).toBe(theirs);
});
