// What only developers have: a page, tokens, metrics, faults and health under /dev/, for this machine alone.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { ok, refusal, type Answer, type Endpoint } from './answers.ts';
import { chatEndpoints } from '../chat/assets.ts';
import { contentSecurityPolicy, devAssets } from './assets.ts';
import { notificationEndpoints, type NotificationEndpointsOptions } from './notification-endpoints.ts';
import type { ReadDevState } from './state-reader.ts';
import type { Faults } from '../faults/faults.ts';
import { isLoopbackHost, isLoopbackUrl } from '../loopback.ts';
import type { Metering } from '../metering.ts';
import type { ServiceAccess } from '../service/service.ts';
import type { Queues } from '../sqs/queues.ts';
import type { LocalRedrive } from '../redrive/local-redrive.ts';
import type { Tokens } from './tokens.ts';

export interface DevEndpointsOptions extends NotificationEndpointsOptions {
  readonly tokens: Pick<Tokens, 'issueToken'>;
  readonly metering: Pick<Metering, 'snapshot' | 'reset'>;
  readonly faults: Pick<Faults, 'set' | 'clear' | 'plan' | 'injected' | 'log'>;
  readonly queues: Pick<Queues, 'contents'>;
  readonly redrive: Pick<LocalRedrive, 'run'>;
  /** Of the service API, if there is one. */
  readonly service: ServiceAccess | undefined;
  /** What the page shows. */
  readonly readState: ReadDevState;
  /** What runs, for `health`. */
  readonly describe: () => Readonly<Record<string, unknown>>;
}

const maximumPlanBytes = 64 * 1024;
const shownInjections = 100;

export function createDevEndpoints(options: DevEndpointsOptions): RequestListener {
  const endpoints = endpointsOf(options);
  return (request, response) => {
    void answer(request, endpoints).then(
      (result) => write(request, response, result),
      (error: unknown) => write(request, response, refusal(500, String(error))),
    );
  };
}

async function answer(
  request: IncomingMessage,
  endpoints: Readonly<Record<string, Endpoint>>,
): Promise<Answer> {
  if (!isLocal(request)) return refusal(403, 'Developer endpoints answer this machine only');
  const target = request.url ?? '/';
  const url = new URL(target.startsWith('/') ? `http://localhost${target}` : target, 'http://localhost');
  const endpoint = endpoints[`${request.method} ${url.pathname}`];
  if (endpoint) return await endpoint(url, request);
  const methods = Object.keys(endpoints)
    .filter((name) => name.endsWith(` ${url.pathname}`))
    .map((name) => name.split(' ')[0]!);
  if (methods.length > 0) return refusal(405, `${url.pathname} takes ${methods.join(', ')}`);
  return refusal(404, `Nothing is at ${url.pathname}; there are ${Object.keys(endpoints).join(', ')}`);
}

function endpointsOf(options: DevEndpointsOptions): Record<string, Endpoint> {
  const { tokens, metering, faults, queues, redrive, readState, describe } = options;
  const faultState = () => ({
    plan: faults.plan() ?? null,
    injected: faults.injected(),
    last: faults.log().slice(-shownInjections),
  });
  const wholeFaultState = () => ({ ...faultState(), last: faults.log() });
  const assets = Object.entries(devAssets).map(([path, read]): [string, Endpoint] => [
    `GET ${path}`,
    async () => ({ status: 200, ...(await read()) }),
  ]);
  return {
    ...Object.fromEntries(assets),
    ...chatEndpoints(),
    'GET /dev/health': () => ok({ status: 'ok', ...describe() }),
    'GET /dev/token': async ({ searchParams }) => {
      const ttl = searchParams.get('ttl');
      if (ttl !== null && !/^-?\d{1,9}$/.test(ttl))
        return refusal(400, 'ttl must be a whole number of seconds');
      const user = searchParams.get('user');
      if (user === null) return refusal(400, 'user is missing: /dev/token?user=alice');
      try {
        return ok({ token: await tokens.issueToken(user, ttl === null ? undefined : Number(ttl)) });
      } catch (error) {
        if (error instanceof RangeError) return refusal(400, error.message);
        throw error;
      }
    },
    'GET /dev/state': async ({ searchParams }) => {
      const after = searchParams.get('after') ?? '0';
      if (!/^\d{1,15}$/.test(after)) return refusal(400, 'after must be the id of an event');
      return ok(await readState(Number(after)));
    },
    'GET /dev/metrics': () => ok(metering.snapshot()),
    'POST /dev/metrics/reset': () => {
      metering.reset();
      return ok(metering.snapshot());
    },
    'GET /dev/queues': () => ok(queues.contents()),
    'GET /dev/service': () =>
      options.service ? ok(options.service) : refusal(404, 'The template has no service API'),
    'POST /dev/redrive': async () => ok(await redrive.run()),
    ...notificationEndpoints(options),
    'GET /dev/faults': ({ searchParams }) => ok(searchParams.has('all') ? wholeFaultState() : faultState()),
    'POST /dev/faults': async (_url, request) => {
      try {
        faults.set(JSON.parse(await readText(request)));
      } catch (error) {
        return refusal(400, (error as Error).message);
      }
      return ok(faultState());
    },
    'DELETE /dev/faults': () => {
      faults.clear();
      return ok(faultState());
    },
  };
}

/** Any page may send a request here, though it cannot read the answer: what changes something is for our own page. */
function isLocal({ method, socket, headers }: IncomingMessage): boolean {
  const addressIsLocal = /^(127\.|::1$|::ffff:127\.)/.test(socket.remoteAddress ?? '');
  if (!addressIsLocal || !isLoopbackHost(headers.host)) return false;
  const { origin } = headers;
  if (method === 'GET') return origin === undefined || isLoopbackUrl(origin);
  if (headers['sec-fetch-site'] === 'cross-site') return false;
  return origin === undefined || origin === `http://${headers.host}`;
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > maximumPlanBytes) throw new Error(`A fault plan has at most ${maximumPlanBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Tokens are for pages of this machine, too: a web app under development has a server of its own. */
function sharingHeaders({ url = '', headers: { origin } }: IncomingMessage): Record<string, string> {
  if (url.split('?')[0] !== '/dev/token') return {};
  const shared = origin !== undefined && isLoopbackUrl(origin);
  return { vary: 'Origin', ...(shared && { 'access-control-allow-origin': origin }) };
}

function write(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  const { status, contentType, content } = answer;
  response.writeHead(status, {
    'content-type': contentType,
    'cache-control': 'no-store',
    'content-security-policy': answer.contentSecurityPolicy ?? contentSecurityPolicy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    ...sharingHeaders(request),
  });
  response.end(content);
}
