// The function URL of the template, at a port of its own: whoever signs with the local credentials, and has the policy,
// invokes the function behind it.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Log } from '../log.ts';
import type { CloudModel, FunctionUrlModel, Invoke } from '../model.ts';
import { isOfPage, startServiceServer } from '../service-http.ts';
import { forbidden, LambdaError, writeError } from './answers.ts';
import { authenticate } from './authenticate.ts';
import { createServiceCaller, type ServiceCaller } from './caller.ts';
import { answerOf, eventOf } from './event.ts';

export interface ServiceOptions {
  readonly model: Pick<CloudModel, 'region' | 'accountId' | 'functionUrls' | 'managedPolicies'>;
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
  readonly service: 'lambda';
}

export interface Service {
  /** `undefined`: the template has no function URL. */
  readonly access: ServiceAccess | undefined;
  close(): Promise<void>;
}

const maximumBodyBytes = 6 * 1024 * 1024;

export async function startService(options: ServiceOptions): Promise<Service> {
  const { model, log } = options;
  const [functionUrl, ...others] = model.functionUrls;
  if (!functionUrl) return { access: undefined, close: async () => {} };
  if (others.length > 0) throw new Error('The local cloud serves one function URL');
  const caller = createServiceCaller(model);
  const server = await startServiceServer((incoming, response) => {
    answer(incoming, response, { ...options, functionUrl, caller }).catch((error: unknown) => {
      if (error instanceof LambdaError && !response.headersSent) {
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
    service: 'lambda',
  } as const;
  return { access, close: () => server.close() };
}

interface Serving extends ServiceOptions {
  readonly functionUrl: FunctionUrlModel;
  readonly caller: ServiceCaller;
}

async function answer(incoming: IncomingMessage, response: ServerResponse, serving: Serving): Promise<void> {
  const { model, functionUrl, caller, invoke, log, clock = Date.now } = serving;
  if (isOfPage(incoming)) throw forbidden();
  const body = await readAll(incoming);
  const { method = '', url = '/', headers } = incoming;
  const [path = '/', query = ''] = url.split(/\?(.*)/s);
  const parameters = [...new URLSearchParams(query)];
  const now = clock();
  const signed = { method, segments: path.slice(1).split('/'), query: parameters, headers };
  authenticate(signed, body, { region: model.region, now, caller });
  const verdict = caller.mayInvoke(functionUrl.functionArn);
  if (!verdict.allowed) {
    log.warn(functionUrl.functionName, verdict.message);
    throw forbidden();
  }
  const { domainName, functionName } = functionUrl;
  const result = await invoke(
    functionName,
    eventOf({ incoming, path, query, parameters, body, now, domainName, caller }),
  );
  if (result.outcome === 'throttled') throw new LambdaError(429, result.errorType, result.errorMessage);
  if (result.outcome !== 'returned') {
    throw new LambdaError(502, 'InternalServerErrorException', 'Internal Server Error');
  }
  const { status, headers: answered, content } = answerOf(result.payload);
  response.writeHead(status, { ...answered, 'content-length': content.length });
  response.end(content);
}

async function readAll(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes <= maximumBodyBytes) chunks.push(chunk);
  }
  if (sizeBytes <= maximumBodyBytes) return Buffer.concat(chunks);
  const message = `Request must be smaller than ${maximumBodyBytes} bytes for the InvokeFunction operation`;
  throw new LambdaError(413, 'RequestTooLargeException', message);
}
