// What all requests of the service API share: method and path name the route, its schema says what is valid; then the
// domain; then JSON, with the status of its error. Who may call at all Lambda has decided before (IAM).
import type * as v from 'valibot';
import { errorStatuses, refuse, type Refusal } from '../protocol/errors.ts';
import type { Context } from '../core/context.ts';
import { refuseError } from './failures.ts';
import { parseFrame, validate, type Frame } from './frames.ts';
import { describeError } from './log.ts';

/** Of a function URL: payload format 2.0, as far as it is looked at. */
export interface HttpEvent {
  readonly rawPath: string;
  readonly requestContext: { readonly requestId: string; readonly http: { readonly method: string } };
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
}

export interface HttpResult {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

type Answer = ({ readonly ok: true } & object) | Refusal;

export interface HttpRoute {
  readonly schema: v.GenericSchema;
  readonly handle: (ctx: Context, request: never) => Promise<Answer>;
}

/** By `METHOD /path/{parameter}`. */
export type HttpRoutes = Readonly<Record<`${'GET' | 'POST' | 'DELETE'} /v1/${string}`, HttpRoute>>;

/** Ties what a route takes to what its schema makes of a request. */
export const on = <Schema extends v.GenericSchema>(
  schema: Schema,
  handle: (ctx: Context, request: v.InferOutput<Schema>) => Promise<Answer>,
): HttpRoute => ({ schema, handle });

export function httpRoute(routes: HttpRoutes, ctx: Context): (event: HttpEvent) => Promise<HttpResult> {
  return async (event) => {
    const { method } = event.requestContext.http;
    const found = findRoute(routes, method, event.rawPath);
    if (!found) return respond(refuse('not_found', `path: there is no ${method} ${event.rawPath}`));
    const body = bodyOf(event);
    if (!body) return respond(refuse('bad_request', 'body: is not a JSON object'));
    // The path is over the body: it is what policies and logs show.
    const valid = validate(found.route.schema, { ...body, ...found.parameters });
    if (!valid.ok) return respond(valid);
    try {
      return respond(await found.route.handle(ctx, valid.request as never));
    } catch (error) {
      const { requestId } = event.requestContext;
      ctx.log.error('request failed', { route: found.name, requestId, ...describeError(error) });
      return respond(refuseError(error, requestId));
    }
  };
}

interface Found {
  readonly name: string;
  readonly route: HttpRoute;
  readonly parameters: Readonly<Record<string, string>>;
}

function findRoute(routes: HttpRoutes, method: string, path: string): Found | undefined {
  for (const [name, route] of Object.entries(routes)) {
    const [wanted, pattern = ''] = name.split(' ');
    const parameters = wanted === method ? matchPath(pattern, path) : undefined;
    if (parameters) return { name, route, parameters };
  }
  return undefined;
}

/** What stands in the places of `{names}`. */
function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const [parts, given] = [pattern.split('/'), path.split('/')];
  if (parts.length !== given.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, part] of parts.entries()) {
    const value = given[index]!;
    const parameter = /^\{(\w+)\}$/.exec(part)?.[1];
    if (parameter === undefined && part !== value) return undefined;
    if (parameter !== undefined) parameters[parameter] = decode(value);
  }
  return parameters;
}

/** No id holds a `%`: what cannot be decoded is no id either. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** None is an empty object: not all requests have something to say. */
function bodyOf({ body = '', isBase64Encoded }: HttpEvent): Frame | undefined {
  const text = isBase64Encoded ? Buffer.from(body, 'base64').toString() : body;
  return text === '' ? {} : parseFrame(text);
}

function respond(answer: Answer): HttpResult {
  const { ok: _, ...content } = answer;
  const retryAfterMs = answer.ok ? undefined : answer.error.retryAfterMs;
  return {
    statusCode: answer.ok ? 200 : errorStatuses[answer.error.code],
    headers: {
      'content-type': 'application/json',
      ...(retryAfterMs !== undefined && { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) }),
    },
    body: JSON.stringify(content),
  };
}
