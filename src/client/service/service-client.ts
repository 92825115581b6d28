// The service API from Node, for the app's own backend: a method for each of its requests, signed, and tried again as long as that
// makes sense, for every request may be repeated.
import { setTimeout as delay } from 'node:timers/promises';
import type * as v from 'valibot';
import type { ServiceAnswers } from '../../protocol/service-answers.ts';
import { serviceOperations, type ServiceOperation } from '../../protocol/service-operations.ts';
import type { serviceRoutes } from '../../protocol/service-routes.ts';
import { backoffMs } from '../backoff.ts';
import { ServiceError, toServiceError } from './errors.ts';
import { signRequest, type Credentials } from './sign.ts';

export interface ServiceClientOptions {
  /** The stack's output `ServiceUrl`. */
  readonly url: string;
  /** Credentials, or what gives them before each request: a provider of the AWS SDK, which keeps them as long as they last. */
  readonly credentials: Credentials | (() => Promise<Credentials>);
  /** Default: as the url or `AWS_REGION` says. */
  readonly region?: string;
  /** Default `execute-api`. */
  readonly service?: string;
  /** How often a request is tried again; default 5. */
  readonly retries?: number;
  /** For one try; default 30 seconds, as long as API Gateway waits. */
  readonly timeoutMs?: number;
  readonly environment?: Partial<ServiceEnvironment>;
}

export interface ServiceEnvironment {
  readonly fetch: typeof fetch;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** From [0, 1). */
  readonly random: () => number;
  readonly delay: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Lists may be readonly. */
type Given<T> = T extends readonly (infer Item)[]
  ? readonly Given<Item>[]
  : T extends object
    ? { readonly [Name in keyof T]: Given<T[Name]> }
    : T;

type RouteOf<Operation extends ServiceOperation> = (typeof serviceOperations)[Operation];
export type ServiceRequest<Operation extends ServiceOperation> = Given<
  v.InferInput<(typeof serviceRoutes)[RouteOf<Operation>]>
>;
export type ServiceAnswer<Operation extends ServiceOperation> = ServiceAnswers[RouteOf<Operation>];

export type ServiceClient = {
  readonly [Operation in ServiceOperation]: (
    request: ServiceRequest<Operation>,
    options?: CallOptions,
  ) => Promise<ServiceAnswer<Operation>>;
};

const retryBackoff = { minMs: 100, maxMs: 20_000 };

const nodeEnvironment: ServiceEnvironment = {
  fetch: (...request) => fetch(...request),
  now: Date.now,
  random: Math.random,
  delay: (ms, signal) => delay(ms, undefined, signal && { signal }),
};

interface Calling extends ServiceEnvironment {
  readonly url: string;
  readonly credentials: () => Promise<Credentials>;
  readonly region: string;
  readonly service: string;
  readonly retries: number;
  readonly timeoutMs: number;
}

export function createServiceClient(options: ServiceClientOptions): ServiceClient {
  const { credentials, region = regionOf(options.url), service = 'execute-api' } = options;
  if (!region) throw new TypeError('region: is missing, and neither the url nor AWS_REGION says it');
  const calling: Calling = {
    ...nodeEnvironment,
    ...options.environment,
    url: options.url.replace(/\/+$/, ''),
    credentials: typeof credentials === 'function' ? credentials : async () => credentials,
    region,
    service,
    retries: options.retries ?? 5,
    timeoutMs: options.timeoutMs ?? 30_000,
  };
  const methods = Object.entries(serviceOperations).map(([operation, route]) => [
    operation,
    async (request: object, { signal }: CallOptions = {}) =>
      call(calling, toCall(calling, route, request), signal),
  ]);
  return Object.fromEntries(methods) as ServiceClient;
}

const regionOf = (url: string) =>
  /\.execute-api\.([\w-]+)\.amazonaws\./.exec(url)?.[1] ?? process.env['AWS_REGION'];

interface Call {
  readonly method: string;
  readonly url: URL;
  readonly body: string | undefined;
}

function toCall({ url }: Calling, route: string, request: object): Call {
  const [method = '', pattern = ''] = route.split(' ');
  const fields = new Map(Object.entries(request).filter(([, value]) => value !== undefined));
  const path = pattern.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value: unknown = fields.get(name);
    if (typeof value !== 'string' || value === '') throw new TypeError(`${name}: is missing`);
    fields.delete(name);
    return encodeURIComponent(value);
  });
  const target = new URL(url + path);
  if (method === 'GET') {
    for (const [name, value] of fields) target.searchParams.set(name, String(value));
    return { method, url: target, body: undefined };
  }
  return {
    method,
    url: target,
    body: fields.size > 0 ? JSON.stringify(Object.fromEntries(fields)) : undefined,
  };
}

interface Result {
  readonly error?: { readonly retryable: boolean; readonly retryAfterMs?: number };
}
type Answer = object & { readonly results?: readonly Result[] };

/** Until it is done: also when only some of several targets have to be tried again. Who has theirs gets nothing more by it. */
async function call(calling: Calling, wanted: Call, signal: AbortSignal | undefined): Promise<Answer> {
  let known: Answer | undefined;
  for (let attempt = 0; ; attempt++) {
    const outcome = await tryOnce(calling, wanted, signal);
    const isAnswer = !(outcome instanceof ServiceError);
    if (isAnswer) known = merge(known, outcome);
    const failure = isAnswer ? unfinished(known!) : outcome;
    if (!failure) return known!;
    if (!failure.retryable || attempt >= calling.retries) {
      if (isAnswer) return known!;
      throw outcome;
    }
    const waitMs = backoffMs(retryBackoff, attempt, calling.random()) + (failure.retryAfterMs ?? 0);
    await calling.delay(waitMs, signal).catch((error: unknown) => {
      throw new ServiceError('cancelled', 'The signal ended it', { cause: error });
    });
  }
}

const unfinished = ({ results = [] }: Answer) => results.find(({ error }) => error?.retryable)?.error;

/** What a target had before stays, for the repeat calls it a duplicate. */
function merge(before: Answer | undefined, after: Answer): Answer {
  const { results } = after;
  if (!before?.results || !results) return after;
  return {
    ...after,
    results: before.results.map((result, at) => (result.error?.retryable ? results[at]! : result)),
  };
}

async function tryOnce(
  calling: Calling,
  { method, url, body }: Call,
  signal: AbortSignal | undefined,
): Promise<Answer | ServiceError> {
  if (signal?.aborted) throw new ServiceError('cancelled', 'The signal ended it', { cause: signal.reason });
  const { region, service, now, timeoutMs } = calling;
  const credentials = await calling.credentials();
  const plain = body === undefined ? undefined : { 'content-type': 'application/json' };
  const toSign = { method, url, headers: { ...plain }, body: body ?? '' };
  const headers = signRequest(toSign, { credentials, region, service, now: now() });
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await calling.fetch(url, {
      method,
      headers,
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      ...(body !== undefined && { body }),
    });
    const said = parse(await response.text());
    if (!response.ok) return toServiceError(response.status, said);
    return said ?? new ServiceError('network', 'The answer is no JSON object', { retryable: true });
  } catch (error) {
    if (signal?.aborted) throw new ServiceError('cancelled', 'The signal ended it', { cause: error });
    const { cause } = error as { cause?: { message?: string } };
    return new ServiceError('network', cause?.message ?? String(error), { retryable: true, cause: error });
  }
}

function parse(text: string): Record<string, never> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, never>) : undefined;
  } catch {
    return undefined;
  }
}
