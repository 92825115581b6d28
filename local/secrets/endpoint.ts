// What functions take for Secrets Manager: knows the caller, checks its role, and tells the template's secrets.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FunctionRequest, Identities } from '../iam/roles.ts';
import type { Log } from '../log.ts';
import type { CloudModel } from '../model.ts';
import { isOfPage, parseObject, readBody, startServiceServer, type ServiceServer } from '../service-http.ts';
import type { Secret, SecretStore } from './store.ts';

export interface SecretsEndpointOptions {
  readonly model: Pick<CloudModel, 'region' | 'accountId'>;
  readonly store: Pick<SecretStore, 'find'>;
  readonly identities: Pick<Identities, 'identify' | 'authorize'>;
  readonly log: Log;
  readonly onRequest?: ((request: FunctionRequest) => void) | undefined;
}

interface Answer {
  readonly status: number;
  readonly body: object;
}

/** An ARN has at most 2,048 characters. */
const maximumRequestBytes = 16 * 1024;
const knownTarget = 'secretsmanager.GetSecretValue';
const currentStage = 'AWSCURRENT';

export async function startSecretsEndpoint(options: SecretsEndpointOptions): Promise<ServiceServer> {
  return await startServiceServer((request, response) => {
    answer(request, options).then(
      (result) => write(response, result),
      (error: unknown) => {
        if (!request.destroyed) options.log.error('secrets', String(error));
        response.destroy();
      },
    );
  });
}

async function answer(request: IncomingMessage, options: SecretsEndpointOptions): Promise<Answer> {
  const { identities, store, log, onRequest } = options;
  if (isOfPage(request)) return refusal('AccessDeniedException', 'Web pages have no access');
  const body = await readBody(request, maximumRequestBytes);
  if (body === undefined) return refusal('InvalidParameterException', 'Request too large');
  if (!request.headers.authorization) {
    return refusal('MissingAuthenticationTokenException', 'Request is missing Authentication Token');
  }
  const identity = identities.identify(request.headers);
  if (!identity) {
    const message = 'The security token included in the request is invalid.';
    return refusal('UnrecognizedClientException', message);
  }
  const target = String(request.headers['x-amz-target'] ?? '');
  const { method = '', url: path = '' } = request;
  onRequest?.({ functionName: identity.functionName, method, path, target, body });
  if (target !== knownTarget) {
    const message = `The local cloud does not know ${target || 'this'}; it knows ${knownTarget}`;
    return refusal('UnknownOperationException', message);
  }
  const input = parseObject(body);
  if (!input) return refusal('SerializationException', '');
  const { SecretId, ...version } = input;
  if (typeof SecretId !== 'string' || SecretId === '') {
    return refusal('InvalidParameterException', 'SecretId is missing');
  }
  const secret = store.find(SecretId);
  const arn = secret?.model.arn ?? arnOf(SecretId, options.model);
  const verdict = identities.authorize(identity, 'secretsmanager:GetSecretValue', arn);
  if (!verdict.allowed) {
    log.warn(identity.functionName, verdict.message);
    return refusal('AccessDeniedException', verdict.message);
  }
  return secret ? tell(secret, version) : notFound("Secrets Manager can't find the specified secret.");
}

/** Of a secret that is not there, by the ARN or the name that was asked for. */
function arnOf(secretId: string, { region, accountId }: SecretsEndpointOptions['model']): string {
  return secretId.startsWith('arn:')
    ? secretId
    : `arn:aws:secretsmanager:${region}:${accountId}:secret:${secretId}`;
}

/** There is one version of each, the current one. */
function tell(
  { model, value, versionId, createdAt }: Secret,
  { VersionId = versionId, VersionStage = currentStage }: Readonly<Record<string, unknown>>,
): Answer {
  const missing = [
    ...(VersionStage === currentStage ? [] : [`staging label: ${String(VersionStage)}`]),
    ...(VersionId === versionId ? [] : [`VersionId: ${String(VersionId)}`]),
  ];
  if (missing[0]) return notFound(`Secrets Manager can't find the specified secret value for ${missing[0]}`);
  return {
    status: 200,
    body: {
      ARN: model.arn,
      Name: model.secretName,
      VersionId: versionId,
      SecretString: value,
      VersionStages: [currentStage],
      CreatedDate: createdAt / 1000,
    },
  };
}

function notFound(message: string): Answer {
  return refusal('ResourceNotFoundException', message);
}

function refusal(name: string, Message: string): Answer {
  return { status: 400, body: { __type: name, Message } };
}

function write(response: ServerResponse, { status, body }: Answer): void {
  const content = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/x-amz-json-1.1',
    'content-length': Buffer.byteLength(content),
    'x-amzn-requestid': randomUUID(),
  });
  response.end(content);
}
