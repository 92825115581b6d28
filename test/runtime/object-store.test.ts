// URLs as they are signed on AWS, and the few requests that functions make of S3 themselves, through its bad days.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createObjectStore } from '../../src/runtime/object-store.ts';
import { startScriptedServer, type ScriptedAnswer } from './scripted-server.ts';

beforeEach(() => {
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'ASIATEST');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  vi.stubEnv('AWS_SESSION_TOKEN', 'token/+=');
  vi.stubEnv('MEDIA_BUCKET', 'files');
  vi.stubEnv('MEDIA_URL', 'https://files.s3.eu-west-1.amazonaws.com');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const now = Date.parse('2026-11-26T12:00:00.900Z');
const key = 'c/d:al@ice:bob/x_-1';

describe('a signed URL', () => {
  it('is the bucket’s own, and signs size, type and tag of what may be put there, for a quarter of an hour', async () => {
    const terms = { sizeBytes: 7, mime: 'image/png', isProvisional: true };
    const { url, headers, expiresAt } = await createObjectStore(() => now).signUpload(key, terms);
    expect(headers).toEqual({
      'content-type': 'image/png',
      'if-none-match': '*',
      'x-amz-tagging': 'state=new',
    });
    expect(new Date(expiresAt).toISOString()).toBe('2026-11-26T12:15:00.000Z');
    const { origin, pathname, searchParams } = new URL(url);
    expect(origin + pathname).toBe('https://files.s3.eu-west-1.amazonaws.com/c/d%3Aal%40ice%3Abob/x_-1');
    expect(Object.fromEntries(searchParams)).toMatchObject({
      'X-Amz-Credential': 'ASIATEST/20261126/eu-west-1/s3/aws4_request',
      'X-Amz-Date': '20261126T120000Z',
      'X-Amz-Expires': '900',
      'X-Amz-Security-Token': 'token/+=',
      'X-Amz-SignedHeaders': 'content-length;content-type;host;if-none-match;x-amz-tagging',
    });
  });

  it('of what stays says nothing of a tag', async () => {
    const terms = { sizeBytes: 7, mime: 'image/png', isProvisional: false };
    const { url, headers } = await createObjectStore(() => now).signUpload('p/alice/x', terms);
    expect(headers).not.toHaveProperty('x-amz-tagging');
    expect(new URL(url).searchParams.get('X-Amz-SignedHeaders')).not.toContain('tagging');
  });

  it('to get a file has browsers save it, whatever it is called', async () => {
    const { url } = await createObjectStore(() => now).signDownload(key, `a "b"; c'(é).html`);
    expect(new URL(url).searchParams.get('response-content-disposition')).toBe(
      "attachment; filename*=UTF-8''a%20%22b%22%3B%20c%27%28%C3%A9%29.html",
    );
  });
});

describe('what a function asks of S3', () => {
  const startStore = async (...answers: [ScriptedAnswer, ...ScriptedAnswer[]]) => {
    const server = await startScriptedServer(...answers);
    vi.stubEnv('AWS_ENDPOINT_URL_S3', server.url);
    return { ...server, store: createObjectStore(() => now) };
  };

  it('is signed, and asked again while S3 is busy', async () => {
    const { store, asked } = await startStore({ status: 503 }, { status: 500 }, { status: 204 });
    await store.delete(key);
    expect(asked.map(({ method, path }) => [method, path])).toEqual(
      Array.from({ length: 3 }, () => ['DELETE', '/files/c/d%3Aal%40ice%3Abob/x_-1']),
    );
    expect(asked[0]!.headers.authorization).toContain('/20261126/eu-west-1/s3/aws4_request');
  });

  it('is done where there is nothing of that name', async () => {
    const { store, asked } = await startStore({ status: 404 });
    await store.keep(key);
    expect(asked.map(({ path }) => path)).toEqual([expect.stringMatching(/x_-1\?tagging=?$/)]);
  });

  it('fails for good when it is refused, and for now when S3 stays away', async () => {
    const refused = await startStore({ status: 403 });
    await expect(refused.store.keep(key)).rejects.toThrow('S3 answered 403 to DELETE of tags');
    expect(refused.asked).toHaveLength(1);
    const away = await startStore({ status: 503 });
    await expect(away.store.delete(key)).rejects.toMatchObject({ $retryable: {} });
    expect(away.asked).toHaveLength(3);
  });
});
