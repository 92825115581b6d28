// The handshake: authorizer, then `$connect`; only when both agree is there a connection.
import type { IncomingMessage } from 'node:http';
import { askAuthorizer } from './authorizer.ts';
import type { GatewayContext } from './context.ts';
import {
  connectEvent,
  readConnectionFacts,
  requestContext,
  type AuthorizerContext,
  type ConnectionFacts,
  type RequestContext,
} from './events.ts';
import { callIntegration, type IntegrationAnswer } from './integration.ts';

export type HandshakeResult =
  | {
      readonly accepted: true;
      readonly facts: ConnectionFacts;
      readonly authorizer: AuthorizerContext | undefined;
      /** API Gateway chooses none: it is what the `$connect` function answers with. */
      readonly protocol: string | undefined;
    }
  | { readonly accepted: false; readonly status: number; readonly body: string };

export async function shakeHands(
  request: IncomingMessage,
  gateway: GatewayContext,
): Promise<HandshakeResult> {
  const { model, invoke, limits, throttling } = gateway;
  const facts = readConnectionFacts(request, Date.now());
  const contextWith = (authorizer?: AuthorizerContext) =>
    requestContext(
      model.api,
      facts,
      { routeKey: '$connect', eventType: 'CONNECT', at: Date.now() },
      authorizer,
    );
  const route = model.api.routes.find(({ routeKey }) => routeKey === '$connect');
  if (!route) return { accepted: true, facts, authorizer: undefined, protocol: undefined };

  if (!throttling.admits(route)) return refuse(429, contextWith());
  let authorizer: AuthorizerContext | undefined;
  if (route.authorizer) {
    const context = contextWith();
    const decision = await askAuthorizer(route.authorizer, model, invoke, facts, context);
    if (!decision.allowed) return refuse(decision.status, context);
    authorizer = decision.context;
  }
  const context = contextWith(authorizer);
  const answer = await callIntegration(route, connectEvent(facts, context), invoke, limits);
  const status = statusOf(answer);
  if (status < 200 || status > 299) return refuse(status, context);
  return { accepted: true, facts, authorizer, protocol: protocolOf(answer) };
}

function statusOf(answer: IntegrationAnswer): number {
  switch (answer.kind) {
    case 'answered':
      return answer.statusCode;
    case 'malfunction':
      return 502;
    case 'forbidden':
      return 500;
    case 'timedOut':
      return 504;
  }
}

function protocolOf(answer: IntegrationAnswer): string | undefined {
  if (answer.kind !== 'answered') return undefined;
  const header = Object.entries(answer.headers).find(
    ([name]) => name.toLowerCase() === 'sec-websocket-protocol',
  );
  return typeof header?.[1] === 'string' ? header[1] : undefined;
}

const messages: Readonly<Record<number, string>> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  429: 'Too Many Requests',
  504: 'Endpoint request timed out',
};

function refuse(status: number, { connectionId, requestId }: RequestContext): HandshakeResult {
  const message = messages[status] ?? (status >= 500 ? 'Internal server error' : 'Forbidden');
  return { accepted: false, status, body: JSON.stringify({ message, connectionId, requestId }) };
}
