// Files in S3: URLs that clients are given are signed here, with the function's own credentials; S3's own client would be
// 200 KB in the bundle.
import { setTimeout as delay } from 'node:timers/promises';
import { fromEnv } from '@aws-sdk/credential-provider-env';
import { Sha256 } from '@smithy/core/checksum';
import { HttpRequest } from '@smithy/core/protocols';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { SignatureV4 } from '@smithy/signature-v4';
import type { ObjectStore } from '../core/media/object-store.ts';
import { requestHandler } from './clients.ts';
import { optional, required } from './environment.ts';

const LIFETIME_SECONDS = 15 * 60;
const REQUEST_TIMEOUT_MS = 3_000;
const MAX_ATTEMPTS = 3;
const BACK_OFF = { baseMs: 50, maxMs: 1_000 };
/** The lifecycle rule of the bucket (lib/media.ts) takes what has it. */
const PROVISIONAL = 'state=new';
/** A signed URL says nothing about what the bytes are. */
const UNSIGNED = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' };

export function createObjectStore(now: () => number = Date.now): ObjectStore {
  const base = new URL(baseUrl());
  const handler = new NodeHttpHandler(requestHandler(REQUEST_TIMEOUT_MS));
  const signer = new SignatureV4({
    service: 's3',
    region: required('AWS_REGION'),
    credentials: fromEnv(),
    sha256: Sha256,
    // S3 alone takes paths as they are.
    uriEscapePath: false,
  });
  const requestOf = (
    method: string,
    key: string,
    {
      headers = {},
      query = {},
      body,
    }: { headers?: Record<string, string>; query?: Record<string, string>; body?: string } = {},
  ) =>
    new HttpRequest({
      protocol: base.protocol,
      hostname: base.hostname,
      ...(base.port && { port: Number(base.port) }),
      method,
      path: `${base.pathname.replace(/\/$/, '')}/${key.split('/').map(encodeURIComponent).join('/')}`,
      headers: { host: base.host, ...headers },
      query,
      ...(body !== undefined && { body }),
    });

  const presign = async (request: HttpRequest, headers: Readonly<Record<string, string>> = {}) => {
    const signedAt = Math.floor(now() / 1_000) * 1_000;
    const { path, query } = await signer.presign(request, {
      expiresIn: LIFETIME_SECONDS,
      signingDate: new Date(signedAt),
      // S3 reads these as headers only.
      unhoistableHeaders: new Set(Object.keys(headers)),
    });
    const parameters = Object.entries(query as Record<string, string>).map(
      ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
    );
    return {
      url: `${base.origin}${path}?${parameters.join('&')}`,
      expiresAt: signedAt + LIFETIME_SECONDS * 1_000,
    };
  };

  const tryOnce = async (request: HttpRequest): Promise<number> => {
    const signed = (await signer.sign(request, { signingDate: new Date(now()) })) as HttpRequest;
    const { response } = await handler.handle(signed);
    for await (const _ of response.body as AsyncIterable<Buffer>);
    return response.statusCode;
  };

  /** Also where there is nothing of that name. @throws Error that says whether another try may do better. */
  const ask = async (request: HttpRequest): Promise<void> => {
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await tryOnce(request).catch((error: unknown) => error as Error);
      if (typeof outcome === 'number' && (outcome < 300 || outcome === 404)) return;
      const isFinal = typeof outcome === 'number' && outcome < 500 && outcome !== 429;
      if (isFinal || attempt === MAX_ATTEMPTS) throw failure(request, outcome, isFinal);
      await delay(Math.random() * Math.min(BACK_OFF.maxMs, BACK_OFF.baseMs * 2 ** attempt));
    }
  };

  return {
    async signUpload(key, { sizeBytes, mime, isProvisional }) {
      const headers = {
        'content-type': mime,
        // What was sent and seen is not to become something else.
        'if-none-match': '*',
        ...(isProvisional && { 'x-amz-tagging': PROVISIONAL }),
      };
      const signed = { ...headers, 'content-length': String(sizeBytes) };
      const request = requestOf('PUT', key, { headers: { ...UNSIGNED, ...signed } });
      // Every client sets the length by itself; browsers let nobody else.
      return { ...(await presign(request, signed)), headers };
    },
    signDownload: (key, name) =>
      presign(requestOf('GET', key, { headers: UNSIGNED, query: dispositionOf(name) })),
    async put(key, content, mime) {
      await ask(requestOf('PUT', key, { headers: { 'content-type': mime }, body: content }));
    },
    keep: (key) => ask(requestOf('DELETE', key, { query: { tagging: '' } })),
    delete: (key) => ask(requestOf('DELETE', key)),
  };
}

/** The local cloud has its buckets in paths. */
function baseUrl(): string {
  const endpoint = optional('AWS_ENDPOINT_URL_S3');
  return endpoint ? `${endpoint}/${required('MEDIA_BUCKET')}` : required('MEDIA_URL');
}

/** Saved, not shown: what a stranger sent is nothing for a browser to open as a page. Images show all the same. */
function dispositionOf(name = 'file'): Record<string, string> {
  const encoded = encodeURIComponent(name).replaceAll(
    /['()*]/g,
    (character) => `%${character.codePointAt(0)!.toString(16).toUpperCase()}`,
  );
  return { 'response-content-disposition': `attachment; filename*=UTF-8''${encoded}` };
}

function failure({ method, query }: HttpRequest, outcome: number | Error, isFinal: boolean): Error {
  const what = `${method}${'tagging' in query ? ' of tags' : ''}`;
  const error =
    typeof outcome === 'number'
      ? new Error(`S3 answered ${outcome} to ${what}`)
      : new Error(`S3 did not answer ${what}`, { cause: outcome });
  return Object.assign(error, isFinal ? {} : { $retryable: {} });
}
