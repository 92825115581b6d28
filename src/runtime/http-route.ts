// What all requests of the service API share: the route's schema says what is valid; then the
// domain; then JSON, with the status of its error. Who may call at all the gateway has decided before (IAM).
import type * as v from 'valibot';
import { errorStatuses, refuse, type Refusal } from '../protocol/errors.ts';
import type { Context } from '../core/context.ts';
import { takeCallerTurn } from '../core/service/callers.ts';
import type { ServiceAnswers, ServiceStatus } from '../protocol/service-answers.ts';
import type { ServiceRoute } from '../protocol/service-routes.ts';
import { refuseError } from './failures.ts';
import { parseFrame, validate, type Frame } from './frames.ts';
import { describeError } from './log.ts';

/** Of an HTTP API: payload format 2.0, as far as it is looked at. */
export interface HttpEvent {
  readonly routeKey: string;
  readonly rawPath: string;
  readonly pathParameters?: Readonly<Record<string, string>>;
  readonly requestContext: {
    readonly requestId: string;
    readonly http: { readonly method: string };
    readonly authorizer: { readonly iam: { readonly userArn: string } };
  };
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
}

export interface HttpResult {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

type Answer = ({ readonly ok: true } & object) | Refusal;

interface HttpRequestRoute<Given extends Answer = Answer, Status extends number = number> {
  readonly schema: v.GenericSchema;
  readonly handle: (ctx: Context, request: never) => Promise<Given>;
  /** Of an answer that is no error. */
  readonly status: Status;
}

/** What the domain answers is what the route's schema says. */
export type HttpRoutes = {
  readonly [Route in ServiceRoute]?: HttpRequestRoute<
    ({ readonly ok: true } & ServiceAnswers[Route]) | Refusal,
    ServiceStatus<Route>
  >;
};

/** Ties what a route takes to what its schema makes of a request. */
export const on = <Schema extends v.GenericSchema, Given extends Answer, const Status extends number = 200>(
  schema: Schema,
  handle: (ctx: Context, request: v.InferOutput<Schema>) => Promise<Given>,
  status = 200 as Status,
): HttpRequestRoute<Given, Status> => ({ schema, handle, status });

export function httpRoute(routes: HttpRoutes, ctx: Context): (event: HttpEvent) => Promise<HttpResult> {
  return async (event) => {
    const { requestId, authorizer } = event.requestContext;
    const caller = authorizer.iam.userArn;
    const result = await answer(routes, ctx, event, caller);
    // The audit trail: who asked for what, about whom, and what came of it.
    const { routeKey: route, rawPath: path } = event;
    ctx.log.info('service call', { caller, route, path, status: result.statusCode, requestId });
    return result;
  };
}

async function answer(
  routes: HttpRoutes,
  ctx: Context,
  event: HttpEvent,
  caller: string,
): Promise<HttpResult> {
  const { requestId, http } = event.requestContext;
  const route = routes[event.routeKey as ServiceRoute];
  if (!route) return respond(refuse('not_found', `path: there is no ${http.method} ${event.rawPath}`));
  const body = bodyOf(event);
  if (!body) return respond(refuse('bad_request', 'body: is not a JSON object'));
  // The path is over the body: it is what policies and logs show.
  const valid = validate(route.schema, { ...body, ...event.pathParameters });
  if (!valid.ok) return respond(valid);
  try {
    const limited = await takeCallerTurn(ctx, caller);
    return respond(
      limited ?? (await route.handle({ ...ctx, requestId }, valid.request as never)),
      route.status,
    );
  } catch (error) {
    ctx.log.error('request failed', { route: event.routeKey, requestId, ...describeError(error) });
    return respond(refuseError(error, requestId));
  }
}

/** None is an empty object: not all requests have something to say. */
function bodyOf({ body = '', isBase64Encoded }: HttpEvent): Frame | undefined {
  const text = isBase64Encoded ? Buffer.from(body, 'base64').toString() : body;
  return text === '' ? {} : parseFrame(text);
}

function respond(given: Answer, status = 200): HttpResult {
  const { ok: _, ...content } = given;
  const retryAfterMs = given.ok ? undefined : given.error.retryAfterMs;
  return {
    statusCode: given.ok ? status : errorStatuses[given.error.code],
    headers: {
      'content-type': 'application/json',
      ...(retryAfterMs !== undefined && { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) }),
    },
    body: JSON.stringify(content),
  };
}
