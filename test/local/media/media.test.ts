// S3 as functions and their clients meet it, over HTTP: signed by the SDK's own signer.
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createIdentities } from '../../../local/iam/roles.ts';
import { startMedia } from '../../../local/media/media.ts';
import type { BucketModel } from '../../../local/model.ts';
import { presignForS3, signForS3, type PresignOptions } from '../../support/s3-signing.ts';
import { smallModel } from '../small-model.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (let closer = closers.pop(); closer; closer = closers.pop()) await closer();
});

const bucket: BucketModel = {
  name: 'Media',
  bucketName: 'media',
  arn: 'arn:aws:s3:::media',
  cors: [
    {
      allowedOrigins: ['https://chat.example.com'],
      allowedHeaders: ['content-type', 'x-amz-tagging'],
      allowedMethods: ['PUT', 'GET'],
      exposedHeaders: ['etag'],
      maxAgeSeconds: 60,
    },
  ],
  lifecycle: [
    { prefix: '', tags: { state: 'new' }, expirationDays: 1 },
    { prefix: 'c/', tags: {}, expirationDays: 30 },
  ],
};
const start = Date.parse('2026-11-26T12:00:00Z');
const day = 86_400_000;

async function setUp(options: { dataDirectory?: string; model?: ReturnType<typeof smallModel> } = {}) {
  const actions = ['PutObject', 'PutObjectTagging', 'GetObject', 'DeleteObject', 'DeleteObjectTagging'];
  const allow = (names: readonly string[], ...resources: string[]) =>
    ({ effect: 'Allow', actions: names.map((name) => `s3:${name}`), resources }) as const;
  const small =
    options.model ??
    smallModel({
      roles: {
        writer: [allow(actions, 'arn:aws:s3:::media/c/*'), allow(['ListBucket'], 'arn:aws:s3:::media')],
        consumer: [allow(['PutObject', 'GetObject'], 'arn:aws:s3:::media/c/*')],
      },
    });
  const model = { ...small, buckets: [bucket] };
  const identities = createIdentities(model);
  let now = start;
  const media = await startMedia({
    model,
    identities,
    clock: () => now,
    dataDirectory: options.dataDirectory,
    log: { info: () => {}, warn: () => {}, error: (_: string, text: string) => expect.fail(text) },
  });
  closers.push(() => media.close());
  const urlOf = (path: string) => `${media.url}/${path}`;
  const credentialsOf = (name: string) => identities.credentialsFor(name, 'test');
  const presign = (
    method: string,
    path: string,
    headers: Record<string, string> = {},
    { signer = 'writer', ...signing }: PresignOptions & { signer?: string } = {},
  ) =>
    presignForS3({ method, url: urlOf(path), headers }, credentialsOf(signer), {
      signingDate: new Date(now),
      ...signing,
    });
  const put = async (path: string, body: string, headers: Record<string, string> = {}) => {
    const signed = { 'content-length': String(Buffer.byteLength(body)), ...headers };
    const { 'content-length': _, ...sent } = signed;
    return fetch(await presign('PUT', path, signed), { method: 'PUT', body, headers: sent });
  };
  const get = async (path: string, headers: Record<string, string> = {}, signer = 'writer') =>
    fetch(await presign('GET', path, {}, { signer }), { headers });
  const byHeaders = async (method: string, path: string, signer = 'writer') => {
    const url = urlOf(path);
    const headers = await signForS3({ method, url }, credentialsOf(signer), new Date(now));
    return fetch(url, { method, headers });
  };
  return {
    media,
    model: small,
    identities,
    credentialsOf,
    urlOf,
    presign,
    put,
    get,
    byHeaders,
    pass: (ms: number) => (now += ms),
    expire: () => media.expire(),
  };
}

/** The status and the code of an error, and its message. */
async function errorOf(response: Response) {
  const text = await response.text();
  const [code, message] = ['Code', 'Message'].map(
    (name) => new RegExp(`<${name}>(.*)</${name}>`).exec(text)?.[1],
  );
  return [response.status, code, message] as const;
}

const picture = { 'content-type': 'image/png' };

describe('an object', () => {
  it('is read as it was put, whole or a range of it, with its type', async () => {
    const { put, get } = await setUp();
    const key = 'media/c/d:al@ice:b.ob/x_-1';
    const stored = await put(key, 'hello world', picture);
    expect([stored.status, stored.headers.get('etag')]).toEqual([200, '"5eb63bbbe01eeed093cb22bb8f5acdc3"']);
    const whole = await get(key);
    expect([whole.status, await whole.text()]).toEqual([200, 'hello world']);
    expect(whole.headers.get('content-type')).toBe('image/png');
    const part = async (range: string) => {
      const response = await get(key, { range });
      return [response.status, response.headers.get('content-range'), await response.text()];
    };
    expect(await part('bytes=0-4')).toEqual([206, 'bytes 0-4/11', 'hello']);
    expect(await part('bytes=-5')).toEqual([206, 'bytes 6-10/11', 'world']);
    expect(await part('bytes=6-999')).toEqual([206, 'bytes 6-10/11', 'world']);
    expect((await part('bytes=11-'))[0]).toBe(416);
  });

  it('that is put over another takes its place, unless it is only to be if there is none', async () => {
    const { put, get } = await setUp();
    await put('media/c/g:1/x', 'first');
    expect((await put('media/c/g:1/x', 'second')).status).toBe(200);
    const third = await put('media/c/g:1/x', 'third', { 'if-none-match': '*' });
    expect((await errorOf(third)).slice(0, 2)).toEqual([412, 'PreconditionFailed']);
    expect(await (await get('media/c/g:1/x')).text()).toBe('second');
  });

  it('is deleted by a function, and was gone before for whoever does it again', async () => {
    const { put, get, byHeaders } = await setUp();
    await put('media/c/g:1/x', 'soon gone');
    expect((await byHeaders('DELETE', 'media/c/g:1/x')).status).toBe(204);
    expect((await byHeaders('DELETE', 'media/c/g:1/x')).status).toBe(204);
    expect(await errorOf(await get('media/c/g:1/x'))).toEqual([
      404,
      'NoSuchKey',
      'The specified key does not exist.',
    ]);
    // Whoever may not list the bucket is not told so.
    expect((await errorOf(await get('media/c/g:1/x', {}, 'consumer'))).slice(0, 2)).toEqual([
      403,
      'AccessDenied',
    ]);
  });

  it('of a directory that is kept is there again, for its owner alone', async () => {
    const dataDirectory = await mkdtemp(join(tmpdir(), 'serverless-im-'));
    closers.push(() => rm(dataDirectory, { recursive: true }));
    const first = await setUp({ dataDirectory });
    await first.put('media/c/g:1/x', 'kept', picture);
    await first.media.close();
    const again = await setUp({ dataDirectory, model: first.model });
    expect(await (await again.get('media/c/g:1/x')).text()).toBe('kept');
    const files = await readdir(join(dataDirectory, 'media'));
    const modes = await Promise.all(
      files.map(async (name) => (await stat(join(dataDirectory, 'media', name))).mode),
    );
    expect(modes.map((mode) => mode & 0o777)).toEqual([0o600, 0o600]);
  });
});

describe('a signed URL', () => {
  it('is good for exactly the size and the type that were signed', async () => {
    const { presign, get } = await setUp();
    const url = await presign('PUT', 'media/c/g:1/x', { 'content-length': '5', ...picture });
    const put = async (body: string, headers: Record<string, string>) =>
      (await errorOf(await fetch(url, { method: 'PUT', body, headers }))).slice(0, 2);
    expect(await put('longer', picture)).toEqual([403, 'SignatureDoesNotMatch']);
    expect(await put('less', picture)).toEqual([403, 'SignatureDoesNotMatch']);
    expect(await put('exact', { 'content-type': 'text/html' })).toEqual([403, 'SignatureDoesNotMatch']);
    expect((await get('media/c/g:1/x')).status).toBe(404);
    expect(await put('exact', picture)).toEqual([200, undefined]);
  });

  it('ends when it said it would', async () => {
    const { presign, pass, put } = await setUp();
    await put('media/c/g:1/x', 'here');
    const url = await presign('GET', 'media/c/g:1/x', {}, { expiresIn: 900 });
    pass(899_000);
    expect((await fetch(url)).status).toBe(200);
    pass(1_000);
    const refused = await fetch(url);
    const text = await refused.text();
    expect(refused.status).toBe(403);
    expect(text).toContain('<Code>AccessDenied</Code><Message>Request has expired</Message>');
    expect(text).toContain('<X-Amz-Expires>900</X-Amz-Expires><Expires>2026-11-26T12:15:00Z</Expires>');
  });

  it('is good for one object, one method and as long as it says', async () => {
    const { presign, put } = await setUp();
    await put('media/c/g:1/x', 'here');
    const url = await presign('GET', 'media/c/g:1/x');
    const refused = async (changed: string, method = 'GET') =>
      (await errorOf(await fetch(changed, { method })))[1];
    expect(await refused(url.replace('g:1/x', 'g:1/y'))).toBe('SignatureDoesNotMatch');
    expect(await refused(url.replace('Expires=900', 'Expires=901'))).toBe('SignatureDoesNotMatch');
    expect(await refused(`${url}&response-content-type=text%2Fhtml`)).toBe('SignatureDoesNotMatch');
    expect(await refused(url, 'DELETE')).toBe('SignatureDoesNotMatch');
    expect(await refused(url.replace('Expires=900', 'Expires=604801'))).toBe(
      'AuthorizationQueryParametersError',
    );
    expect(await refused(url.replace(/&X-Amz-Date=\w+/, ''))).toBe('AuthorizationQueryParametersError');
    expect(await refused(url.replace('us-east-1', 'eu-west-1'))).toBe('AuthorizationQueryParametersError');
    expect(await refused(url.split('?')[0]!)).toBe('AccessDenied');
    expect(await refused(url)).toBeUndefined();
  });

  it('can do what the role of its function allows, and no more', async () => {
    const { presign, put } = await setUp();
    const headers = { 'x-amz-tagging': 'state=new' };
    const signed = { 'content-length': '1', ...headers };
    const url = await presign('PUT', 'media/c/g:1/x', signed, { signer: 'consumer' });
    const [status, code, message] = await errorOf(await fetch(url, { method: 'PUT', body: 'x', headers }));
    expect([status, code]).toEqual([403, 'AccessDenied']);
    expect(message).toContain(
      'not authorized to perform: s3:PutObjectTagging on resource: arn:aws:s3:::media/c/g:1/x',
    );
    expect((await errorOf(await put('media/p/x', 'x')))[1]).toBe('AccessDenied');
    expect((await errorOf(await put('other/c/x', 'x')))[1]).toBe('AccessDenied');
  });

  it('does not take headers of S3 that were not signed', async () => {
    const { presign } = await setUp();
    const url = await presign('PUT', 'media/c/g:1/x', { 'content-length': '1' });
    const headers = { 'x-amz-tagging': 'state=kept' };
    const refused = await fetch(url, { method: 'PUT', body: 'x', headers });
    expect(await refused.text()).toContain('<HeadersNotSigned>x-amz-tagging</HeadersNotSigned>');
  });

  it('is good as long as it said, also when its environment is gone; of nobody never', async () => {
    const { presign, put, identities } = await setUp();
    await put('media/c/g:1/x', 'here');
    const url = await presign('GET', 'media/c/g:1/x');
    identities.forget('test');
    expect((await fetch(url)).status).toBe(200);
    const stranger = url.replace(/Credential=\w+/, 'Credential=ASIASTRANGER');
    expect((await errorOf(await fetch(stranger)))[1]).toBe('InvalidAccessKeyId');
    const others = url.replace(/Security-Token=[^&]+/, 'Security-Token=other');
    expect((await errorOf(await fetch(others)))[1]).toBe('InvalidToken');
  });
});

describe('a request that is signed in its headers', () => {
  it('is refused when it is old, changed, or signed by another', async () => {
    const { urlOf, credentialsOf, pass } = await setUp();
    const url = urlOf('media/c/g:1/x');
    const headers = await signForS3({ method: 'DELETE', url }, credentialsOf('writer'), new Date(start));
    const refused = async (changed: Record<string, string>, to = url) =>
      (await errorOf(await fetch(to, { method: 'DELETE', headers: changed })))[1];
    expect(await refused(headers, urlOf('media/c/g:1/y'))).toBe('SignatureDoesNotMatch');
    expect(await refused({ ...headers, 'x-amz-content-sha256': 'a' })).toBe('SignatureDoesNotMatch');
    const { authorization, ...others } = headers;
    expect(await refused(others)).toBe('AccessDenied');
    expect(await refused({ ...others, authorization: `Bearer ${authorization}` })).toBe(
      'AuthorizationHeaderMalformed',
    );
    pass(901_000);
    expect(await refused(headers)).toBe('RequestTimeTooSkewed');
  });

  it('has the body that was signed', async () => {
    const { urlOf, credentialsOf, get } = await setUp();
    const url = urlOf('media/c/g:1/x');
    const sha256 = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
    const signed = { method: 'PUT', url, headers: { 'x-amz-content-sha256': sha256 } };
    const headers = await signForS3(signed, credentialsOf('writer'), new Date(start));
    const [, code] = await errorOf(await fetch(url, { method: 'PUT', headers, body: 'other' }));
    expect(code).toBe('XAmzContentSHA256Mismatch');
    expect((await get('media/c/g:1/x')).status).toBe(404);
    expect((await fetch(url, { method: 'PUT', headers, body: 'hello' })).status).toBe(200);
  });

  it('of what the local cloud does not know says so', async () => {
    const { byHeaders } = await setUp();
    expect((await errorOf(await byHeaders('POST', 'media/c/g:1/x')))[1]).toBe('NotImplemented');
    expect((await errorOf(await byHeaders('GET', 'media')))[1]).toBe('NotImplemented');
    expect((await errorOf(await byHeaders('GET', 'media/c/g:1/x?acl')))[1]).toBe('NotImplemented');
  });
});

describe('lifecycle rules', () => {
  it('take what is tagged after a day, and what begins so after thirty, at midnight', async () => {
    const { put, get, byHeaders, pass, expire } = await setUp();
    const tagged = { 'x-amz-tagging': 'state=new' };
    for (const name of ['lost', 'found']) await put(`media/c/g:1/${name}`, name, tagged);
    expect((await byHeaders('DELETE', 'media/c/g:1/found?tagging')).status).toBe(204);
    expect((await errorOf(await byHeaders('DELETE', 'media/c/g:1/none?tagging')))[1]).toBe('NoSuchKey');
    pass(day);
    expect(await expire()).toBe(0);
    pass(day / 2);
    expect(await expire()).toBe(1);
    expect([(await get('media/c/g:1/lost')).status, (await get('media/c/g:1/found')).status]).toEqual([
      404, 200,
    ]);
    pass(29 * day);
    expect(await expire()).toBe(1);
    expect((await get('media/c/g:1/found')).status).toBe(404);
  });
});

describe('web pages', () => {
  const ask = (url: string, origin: string, method = 'PUT', headers = 'content-type,x-amz-tagging') =>
    fetch(url, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': method,
        'access-control-request-headers': headers,
      },
    });

  it('of an allowed origin put and read, and read errors', async () => {
    const { urlOf, put, get } = await setUp();
    const origin = 'https://chat.example.com';
    const asked = await ask(urlOf('media/c/g:1/x'), origin);
    expect(asked.status).toBe(200);
    expect(asked.headers.get('access-control-allow-origin')).toBe(origin);
    expect(asked.headers.get('access-control-allow-headers')).toBe('content-type, x-amz-tagging');
    await put('media/c/g:1/x', 'seen');
    const seen = await get('media/c/g:1/x', { origin });
    expect(seen.headers.get('access-control-allow-origin')).toBe(origin);
    const refused = await fetch(urlOf('media/c/g:1/x'), { headers: { origin } });
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([403, origin]);
  });

  it('whose own name resolves to the loopback have no access', async () => {
    const { urlOf } = await setUp();
    const status = await new Promise((resolve, reject) => {
      get(urlOf('media/c/g:1/x'), { headers: { host: 'evil.example.com' } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on('error', reject);
    });
    expect(status).toBe(403);
    expect((await ask(urlOf('media/c/g:1/x'), 'https://chat.example.com')).status).toBe(200);
  });

  it('of others do not, nor with other methods or headers', async () => {
    const { urlOf, get } = await setUp();
    const url = urlOf('media/c/g:1/x');
    const [own, foreign] = ['https://chat.example.com', 'https://evil.example.com'];
    expect((await errorOf(await ask(url, foreign))).slice(0, 2)).toEqual([403, 'AccessForbidden']);
    expect((await ask(url, own, 'DELETE')).status).toBe(403);
    expect((await ask(url, own, 'PUT', 'x-amz-acl')).status).toBe(403);
    expect((await ask(urlOf('other/x'), own)).status).toBe(403);
    const read = await get('media/c/g:1/x', { origin: foreign });
    expect(read.headers.get('access-control-allow-origin')).toBeNull();
  });
});
