// The services that functions call, over HTTP, with roles that can be exchanged while they run.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connectEndpoint } from '../../local/dynamodb/engines/endpoint.ts';
import { startDynamoDbFront } from '../../local/dynamodb/front.ts';
import { startEventBus } from '../../local/event-bus/event-bus.ts';
import { startEventSources } from '../../local/event-source/event-source.ts';
import { Faults } from '../../local/faults/faults.ts';
import { startGateway } from '../../local/gateway/gateway.ts';
import {
  createIdentities,
  type Credentials,
  type FunctionRequest,
  type Identities,
} from '../../local/iam/roles.ts';
import { createLog } from '../../local/log.ts';
import { Metering } from '../../local/metering.ts';
import type { CloudModel, Invoke } from '../../local/model.ts';
import { startMedia } from '../../local/media/media.ts';
import { Queues } from '../../local/sqs/queues.ts';
import { startSecrets } from '../../local/secrets/secrets.ts';
import { startSqs } from '../../local/sqs/sqs.ts';
import { signForS3 } from './s3-signing.ts';

export interface Services {
  /** From now on the roles are those of this model. */
  use(model: CloudModel): void;
  /** With its function's credentials. What fails for another reason than its role is let through, too. */
  send(request: FunctionRequest): Promise<'letThrough' | 'refused'>;
  /** Starts the event sources, and ends them again. @throws Error where a role does not let them start. */
  startEventSources(model: CloudModel): Promise<void>;
  close(): Promise<void>;
}

const invoke: Invoke = async () => ({ outcome: 'returned', payload: null });
const log = createLog('quiet');

export async function startServices(model: CloudModel, endpoint: string): Promise<Services> {
  let roles: Identities = createIdentities(model);
  const identities: Identities = {
    credentialsFor: (functionName, environmentId) => roles.credentialsFor(functionName, environmentId),
    identityOf: (functionName) => roles.identityOf(functionName),
    identify: (headers) => roles.identify(headers),
    findSigner: (accessKeyId) => roles.findSigner(accessKeyId),
    authorize: (...request) => roles.authorize(...request),
    forget: (environmentId) => roles.forget(environmentId),
  };
  const engine = await connectEndpoint(endpoint);
  const parts = { model, engine, identities, metering: new Metering(), faults: new Faults(), log };
  const front = await startDynamoDbFront({ ...parts, onWrite: () => {}, onMidwayCrash: () => {} });
  const sqs = await startSqs(parts);
  const secrets = await startSecrets(parts);
  const eventBus = await startEventBus(parts);
  const media = await startMedia(parts);
  const server = createServer();
  const gateway = startGateway({ ...parts, server, invoke });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const urlOf = (target: string | undefined) => {
    if (target === undefined) return connectionsUrl;
    if (target.startsWith('secretsmanager.')) return secrets.url;
    if (target.startsWith('AWSEvents.')) return eventBus.url;
    if (isOfS3(target)) return media.url;
    return target.startsWith('AmazonSQS.') ? sqs.url : front.url;
  };
  const connectionsUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    use: (other) => (roles = createIdentities(other)),
    async send({ functionName, method, path, target, body, headers = {} }) {
      const credentials = roles.credentialsFor(functionName, 'environment');
      const url = `${urlOf(target)}${path}`;
      const signed = isOfS3(target)
        ? await signForS3({ method, url, headers }, credentials)
        : {
            authorization: authorizationOf(credentials),
            ...(target !== undefined && { 'x-amz-target': target }),
          };
      const response = await fetch(url, { method, headers: signed, ...(body && { body }) });
      const error = `${response.headers.get('x-amzn-errortype') ?? ''} ${await response.text()}`;
      return /AccessDenied(Exception|<)/.test(error) ? 'refused' : 'letThrough';
    },
    async startEventSources(other) {
      const queues = await Queues.open({ model: other });
      const options = { ...parts, model: other, identities: createIdentities(other), invoke, queues };
      await (await startEventSources(options)).close();
    },
    async close() {
      await gateway.close();
      await front.close();
      await secrets.close();
      await eventBus.close();
      await media.close();
      await sqs.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

const isOfS3 = (target: string | undefined) => target?.startsWith('AmazonS3.') ?? false;

function authorizationOf({ accessKeyId }: Credentials): string {
  const scope = '20260101/us-east-1/service/aws4_request';
  return `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=host, Signature=0`;
}
