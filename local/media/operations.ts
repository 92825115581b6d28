// What the local cloud knows of S3: objects that are put, read and deleted, and tags that are taken from them.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { accessDenied, noSuchKey, S3Error } from './answers.ts';
import { parameter, type S3Request } from './request.ts';
import type { ObjectName, ObjectStore, StoredObject } from './store.ts';

export interface Call {
  readonly request: S3Request;
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly store: ObjectStore;
  readonly now: () => number;
  /** Hexadecimal SHA-256 that the body must have, if it is signed. */
  readonly payloadHash: string | undefined;
  /** Who may not list a bucket is not told what is not there. */
  readonly mayList: () => boolean;
}

export interface Operation {
  readonly name: string;
  /** What a role must allow; on the object. */
  readonly actions: readonly string[];
  readonly carryOut: (call: Call) => Promise<void>;
}

/** More takes several parts. */
const maximumObjectBytes = 5 * 1024 ** 3;

/** @throws S3Error for what the local cloud does not know. */
export function operationOf(request: S3Request): Operation {
  const { method, key, query, headers } = request;
  const subresource = query.map(([name]) => name).find((name) => /^[a-z]+$/.test(name));
  if (key !== '' && subresource === 'tagging' && method === 'DELETE') {
    return { name: 'DeleteObjectTagging', actions: ['s3:DeleteObjectTagging'], carryOut: deleteTags };
  }
  if (key !== '' && subresource === undefined) {
    if (method === 'PUT') {
      const tagging = headers['x-amz-tagging'] === undefined ? [] : ['s3:PutObjectTagging'];
      return { name: 'PutObject', actions: ['s3:PutObject', ...tagging], carryOut: putObject };
    }
    if (method === 'GET') return { name: 'GetObject', actions: ['s3:GetObject'], carryOut: getObject };
    if (method === 'HEAD') return { name: 'HeadObject', actions: ['s3:GetObject'], carryOut: getObject };
    if (method === 'DELETE')
      return { name: 'DeleteObject', actions: ['s3:DeleteObject'], carryOut: deleteObject };
  }
  throw new S3Error(501, 'NotImplemented', `The local cloud does not know ${method} of this`);
}

async function putObject({ request, incoming, response, store, now, payloadHash }: Call): Promise<void> {
  const { headers } = request;
  const sizeBytes = headers['content-length'];
  if (sizeBytes === undefined) {
    throw new S3Error(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.');
  }
  if (Number(sizeBytes) > maximumObjectBytes) {
    const message = 'Your proposed upload exceeds the maximum allowed size';
    throw new S3Error(400, 'EntityTooLarge', message, { ProposedSize: sizeBytes });
  }
  refuseOverwriting(request, store);
  const upload = await store.receive(incoming);
  try {
    if (payloadHash !== undefined && payloadHash !== upload.sha256) {
      const message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
      throw new S3Error(400, 'XAmzContentSHA256Mismatch', message);
    }
    // Another one may have come while this one did.
    refuseOverwriting(request, store);
  } catch (error) {
    await store.discard(upload);
    throw error;
  }
  await store.put({
    ...nameOf(request),
    sizeBytes: upload.sizeBytes,
    contentType: headers['content-type'] ?? 'binary/octet-stream',
    etag: upload.etag,
    tags: Object.fromEntries(new URLSearchParams(String(headers['x-amz-tagging'] ?? ''))),
    createdAt: now(),
    file: upload.file,
  });
  response.writeHead(200, {
    etag: upload.etag,
    'x-amz-server-side-encryption': 'AES256',
    'content-length': 0,
  });
  response.end();
}

function refuseOverwriting(request: S3Request, store: ObjectStore): void {
  const condition = request.headers['if-none-match'];
  if (condition === undefined || !store.find(nameOf(request))) return;
  const message = 'At least one of the pre-conditions you specified did not hold';
  throw new S3Error(412, 'PreconditionFailed', message, { Condition: 'If-None-Match' });
}

async function getObject(call: Call): Promise<void> {
  const { request, response, store } = call;
  const object = findObject(call);
  const range = rangeOf(request.headers.range, object);
  const [start, end] = range ?? [0, object.sizeBytes - 1];
  const override = (name: string) => parameter(request, `response-${name}`);
  const disposition = override('content-disposition');
  response.writeHead(range ? 206 : 200, {
    'accept-ranges': 'bytes',
    'content-type': override('content-type') ?? object.contentType,
    'content-length': end - start + 1,
    ...(disposition !== undefined && { 'content-disposition': disposition }),
    ...(range && { 'content-range': `bytes ${start}-${end}/${object.sizeBytes}` }),
    etag: object.etag,
    'last-modified': new Date(object.createdAt).toUTCString(),
    'x-amz-server-side-encryption': 'AES256',
  });
  if (request.method === 'HEAD' || object.sizeBytes === 0) return void response.end();
  await pipeline(store.read(object, { start, end }), response);
}

/** One range of bytes, as S3 takes it; what is no range is no reason to refuse. */
function rangeOf(
  header: string | undefined,
  { sizeBytes }: StoredObject,
): [start: number, end: number] | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(sizeBytes - Number(last), 0) : Number(first);
  const end = first === '' || last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (start <= end) return [start, end];
  const details = { RangeRequested: String(header), ActualObjectSize: String(sizeBytes) };
  throw new S3Error(416, 'InvalidRange', 'The requested range is not satisfiable', details);
}

async function deleteObject({ request, response, store }: Call): Promise<void> {
  await store.delete(nameOf(request));
  response.writeHead(204);
  response.end();
}

async function deleteTags(call: Call): Promise<void> {
  const { response, store } = call;
  await store.put({ ...findObject(call), tags: {} });
  response.writeHead(204);
  response.end();
}

/** @throws S3Error when it is not there. */
function findObject({ request, store, mayList }: Call): StoredObject {
  const object = store.find(nameOf(request));
  if (object) return object;
  throw mayList() ? noSuchKey(request.key) : accessDenied();
}

const nameOf = ({ bucketName, key }: S3Request): ObjectName => ({ bucketName, key });
