// What all routes share: who calls, is the token still good, is the frame valid; then the domain; then the answer.
import type * as v from 'valibot';
import type { Action, ClientFrame, clientFrames } from '../protocol/client-frames.ts';
import { refuse, type Refusal } from '../protocol/errors.ts';
import { endConnection } from '../core/connections.ts';
import type { Caller, Context } from '../core/context.ts';
import { isTokenOver } from '../core/expiry.ts';
import { callerOf, replacedBy, type WebSocketEvent } from './caller.ts';
import { createContext } from './context.ts';
import { refuseError } from './failures.ts';
import { parseFrame, requestId, validate, type Frame } from './frames.ts';
import { describeError } from './log.ts';

export interface RouteResult {
  statusCode: number;
  body?: string;
}

type Answer = { readonly ok: true } | Refusal;

/** `undefined`: a one-way action. */
export type ActionHandler<A extends Action> = (
  ctx: Context,
  caller: Caller,
  request: ClientFrame<A>,
) => Promise<Answer | void>;

/** What each action's frame must be, and who answers it. */
export type Routes = {
  readonly [A in Action]?: readonly [schema: (typeof clientFrames)[A], handler: ActionHandler<A>];
};

export function route(
  routes: Routes,
  ctx: Context = createContext(),
): (event: WebSocketEvent) => Promise<RouteResult> {
  return async (event) => {
    const frame = parseFrame(event.body);
    const id = requestId(frame);
    if (isExpired(event, ctx.now())) return endExpired(ctx, event, id);
    const successor = replacedBy(event);
    if (successor) {
      await endConnection(ctx, event.requestContext.connectionId, successor);
      return { statusCode: 200 };
    }
    const answer = await answerFrame(ctx, event, routes, frame);
    return answer ? respond({ ...id, ...answer }) : { statusCode: 200 };
  };
}

async function answerFrame(
  ctx: Context,
  event: WebSocketEvent,
  routes: Routes,
  frame: Frame | undefined,
): Promise<Answer | void> {
  const action = frame?.['action'];
  if (!frame || typeof action !== 'string' || !Object.hasOwn(routes, action)) return refuseFrame(frame);
  const [schema, handler] = routes[action as Action] as unknown as [
    v.GenericSchema<unknown, ClientFrame>,
    ActionHandler<Action>,
  ];
  const valid = validate(schema, frame);
  if (!valid.ok) return valid;
  const { requestId: gatewayId, connectionId } = event.requestContext;
  try {
    return await handler({ ...ctx, requestId: gatewayId }, callerOf(event), valid.request);
  } catch (error) {
    ctx.log.error('request failed', {
      action,
      connectionId,
      requestId: gatewayId,
      ...describeError(error),
    });
    return refuseError(error, gatewayId);
  }
}

/** The answer to what is no request at all. */
export function refuseFrame(frame: Frame | undefined): Refusal {
  if (!frame) return refuse('bad_request', 'frame: is not a JSON object');
  if (frame['action'] === undefined) return refuse('bad_request', 'action: is missing');
  return refuse('bad_request', 'action: names no known action');
}

export function respond(body: object): RouteResult {
  return { statusCode: 200, body: JSON.stringify(body) };
}

function isExpired(event: WebSocketEvent, now: number): boolean {
  return isTokenOver(Number(event.requestContext.authorizer.expiresAt), now);
}

/** Answers, then closes: the answer goes by the connection itself, for nothing can follow what a route returns. */
async function endExpired(ctx: Context, event: WebSocketEvent, id: { id?: string }): Promise<RouteResult> {
  const { connectionId } = event.requestContext;
  const refusal = refuse('unauthorized', 'the token has expired: connect again with a fresh one');
  await ctx.connections.post(connectionId, { ...id, ...refusal });
  await ctx.connections.close(connectionId);
  return { statusCode: 200 };
}
