// What functions, and the clients that they sign URLs for, take for S3: knows who signed, checks their role, and keeps
// objects. Pages of the bucket's CORS rules may come here, too.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FunctionRequest, Identities, Identity } from '../iam/roles.ts';
import type { Log } from '../log.ts';
import { isLoopbackHost } from '../loopback.ts';
import type { CloudModel } from '../model.ts';
import { startServiceServer, type ServiceServer } from '../service-http.ts';
import { accessDenied, S3Error, writeError } from './answers.ts';
import { authenticate } from './authenticate.ts';
import { allowOrigin, answerPreflight } from './cors.ts';
import { operationOf, type Operation } from './operations.ts';
import { parseRequest, type S3Request } from './request.ts';
import type { ObjectStore } from './store.ts';

export interface MediaEndpointOptions {
  readonly model: Pick<CloudModel, 'region' | 'buckets'>;
  readonly store: ObjectStore;
  readonly identities: Pick<Identities, 'findSigner' | 'authorize'>;
  readonly log: Log;
  readonly clock: () => number;
  readonly onRequest?: ((request: FunctionRequest) => void) | undefined;
}

export async function startMediaEndpoint(options: MediaEndpointOptions): Promise<ServiceServer> {
  return await startServiceServer((incoming, response) => {
    answer(incoming, response, options).catch((error: unknown) => {
      const refused = error instanceof S3Error && !response.headersSent;
      if (refused) {
        // Whoever is still sending is to read the answer.
        incoming.resume();
        return writeError(response, error, incoming.method === 'HEAD');
      }
      if (!incoming.destroyed) options.log.error('media', String(error));
      response.destroy();
    });
  });
}

async function answer(
  incoming: IncomingMessage,
  response: ServerResponse,
  options: MediaEndpointOptions,
): Promise<void> {
  const { model, store, identities, clock } = options;
  if (!isLoopbackHost(incoming.headers.host)) throw accessDenied();
  const request = parseRequest(incoming);
  const bucket = model.buckets.find(({ bucketName }) => bucketName === request.bucketName);
  if (request.method === 'OPTIONS') return answerPreflight(incoming, response, bucket);
  allowOrigin(incoming, response, bucket);
  const { identity, payloadHash } = authenticate(request, {
    region: model.region,
    now: clock(),
    findSigner: (accessKeyId) => identities.findSigner(accessKeyId),
  });
  const operation = operationOf(request);
  report(incoming, request, { identity, operation }, options);
  const bucketArn = `arn:aws:s3:::${request.bucketName}`;
  for (const action of operation.actions) check(identity, action, `${bucketArn}/${request.key}`, options);
  if (!bucket) {
    const details = { BucketName: request.bucketName };
    throw new S3Error(404, 'NoSuchBucket', 'The specified bucket does not exist', details);
  }
  await operation.carryOut({
    request,
    incoming,
    response,
    store,
    payloadHash,
    now: clock,
    mayList: () => identities.authorize(identity, 's3:ListBucket', bucketArn).allowed,
  });
}

/** As it can be sent again: signed anew, with what its operation is made of. */
function report(
  incoming: IncomingMessage,
  { headers }: S3Request,
  { identity, operation }: { readonly identity: Identity; readonly operation: Operation },
  { onRequest }: MediaEndpointOptions,
): void {
  const [path = '/', query = ''] = (incoming.url ?? '').split('?');
  const subresource = query.split('&').find((name) => name.startsWith('tagging'));
  const tagging = headers['x-amz-tagging'];
  onRequest?.({
    functionName: identity.functionName,
    method: incoming.method ?? '',
    path: subresource === undefined ? path : `${path}?tagging`,
    target: `AmazonS3.${operation.name}`,
    body: '',
    ...(typeof tagging === 'string' && { headers: { 'x-amz-tagging': tagging } }),
  });
}

function check(
  identity: Identity,
  action: string,
  resource: string,
  { identities, log }: MediaEndpointOptions,
): void {
  const verdict = identities.authorize(identity, action, resource);
  if (verdict.allowed) return;
  log.warn(identity.functionName, verdict.message);
  throw accessDenied(verdict.message);
}
