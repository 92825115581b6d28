// The HTTP API of the template, at a port of its own: whoever signs with the local credentials, and has the policy,
// invokes the functions behind it.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../log.ts';
import type { CloudModel, HttpApiModel, InvocationResult, Invoke } from '../model.ts';
import { isOfPage, startServiceServer } from '../service-http.ts';
import { forbidden, GatewayError, writeError } from './answers.ts';
import { authenticate, signingService } from './authenticate.ts';
import { createServiceCaller, type ServiceCaller } from './caller.ts';
import { answerOf, eventOf } from './event.ts';
import { findRoute } from './routes.ts';

export interface ServiceOptions {
  readonly model: Pick<CloudModel, 'region' | 'accountId' | 'httpApi' | 'managedPolicies'>;
  readonly invoke: Invoke;
  readonly log: Log;
  readonly clock?: () => number;
}

/** As `GET /dev/service` tells it. */
export interface ServiceAccess {
  readonly url: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  readonly service: typeof signingService;
}

export interface Service {
  /** `undefined`: the template has no HTTP API. */
  readonly access: ServiceAccess | undefined;
  close(): Promise<void>;
}

/** docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html */
const maximumBodyBytes = 10 * 1024 * 1024;
const integrationTimeoutMs = 30_000;

export async function startService(options: ServiceOptions): Promise<Service> {
  const { model, log } = options;
  const { httpApi } = model;
  if (!httpApi) return { access: undefined, close: async () => {} };
  const caller = createServiceCaller(model);
  const server = await startServiceServer((incoming, response) => {
    answer(incoming, response, { ...options, httpApi, caller }).catch((error: unknown) => {
      if (error instanceof GatewayError && !response.headersSent) {
        log.warn('service', `${incoming.method} ${incoming.url}: ${error.status}, ${error.reason}`);
        incoming.resume();
        return writeError(response, error);
      }
      if (!incoming.destroyed) log.error('service', String(error));
      response.destroy();
    });
  });
  const { accessKeyId, secretAccessKey } = caller;
  const access = {
    url: server.url,
    accessKeyId,
    secretAccessKey,
    region: model.region,
    service: signingService,
  } as const;
  return { access, close: () => server.close() };
}

interface Serving extends ServiceOptions {
  readonly httpApi: HttpApiModel;
  readonly caller: ServiceCaller;
}

async function answer(incoming: IncomingMessage, response: ServerResponse, serving: Serving): Promise<void> {
  const { model, httpApi, caller, invoke, clock = Date.now } = serving;
  if (isOfPage(incoming)) throw forbidden('a web page asks');
  const body = await readAll(incoming);
  const { method = '', url = '/', headers } = incoming;
  const [path = '/', query = ''] = url.split(/\?(.*)/s);
  const taken = findRoute(httpApi.routes, method, path);
  if (!taken) throw new GatewayError(404, 'Not Found', 'there is no such route');
  const { route, pathParameters } = taken;
  const parameters = [...new URLSearchParams(query)];
  const now = clock();
  const signed = { method, segments: path.slice(1).split('/'), query: parameters, headers };
  authenticate(signed, body, { region: model.region, now, caller });
  const verdict = caller.mayInvoke(`${httpApi.arn}/${method}${path}`);
  if (!verdict.allowed) throw forbidden(verdict.message);
  if (!route.mayInvoke) throw malfunction(`nothing lets the API invoke ${route.functionName}`);
  const { domainName } = httpApi;
  const { routeKey } = route;
  const event = {
    incoming,
    path,
    routeKey,
    pathParameters,
    query,
    parameters,
    body,
    now,
    domainName,
    caller,
  };
  const result = await inTime(invoke(route.functionName, eventOf(event)));
  if (result.outcome !== 'returned') throw malfunction(result.errorMessage);
  const { status, headers: answered, content } = answerOf(result.payload);
  response.writeHead(status, { ...answered, 'content-length': content.length });
  response.end(content);
}

const malfunction = (reason: string) => new GatewayError(500, 'Internal Server Error', reason);

/** The function is not stopped: it goes on, and nobody hears its answer. */
async function inTime(invocation: Promise<InvocationResult>): Promise<InvocationResult> {
  const over = new AbortController();
  const late = delay(integrationTimeoutMs, undefined, { signal: over.signal }).then(() => {
    throw new GatewayError(503, 'Service Unavailable', `no answer in ${integrationTimeoutMs} ms`);
  });
  late.catch(() => {});
  try {
    return await Promise.race([invocation, late]);
  } finally {
    over.abort();
  }
}

async function readAll(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes <= maximumBodyBytes) chunks.push(chunk);
  }
  if (sizeBytes <= maximumBodyBytes) return Buffer.concat(chunks);
  throw new GatewayError(413, 'Request Entity Too Large', `${sizeBytes} bytes`);
}
