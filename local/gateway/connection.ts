// A connection that is open: its limits, its messages on their way to the functions, and its end.
import { setTimeout as delay } from 'node:timers/promises';
import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import type { ClientIdentity, ConnectionState } from '../activity.ts';
import { deviceSite, invocationSite } from '../faults/sites.ts';
import { createFrameGuard } from './frame-guard.ts';
import { callIntegration } from './integration.ts';
import {
  clientIdentity,
  disconnectEvent,
  messageEvent,
  requestContext,
  type AuthorizerContext,
  type ConnectionFacts,
  type RequestContext,
} from './events.ts';
import type { GatewayContext } from './context.ts';
import { selectRoute } from './routes.ts';

export interface Close {
  readonly code: number;
  readonly reason: string;
}

/** What AWS says of a client that sends a close frame without a status. */
const noStatus: Close = { code: 1005, reason: 'Client-side close frame status not set' };

export class Connection {
  readonly facts: ConnectionFacts;
  readonly client: ClientIdentity;
  lastActiveAt = Date.now();
  private readonly socket: WebSocket;
  private readonly context: GatewayContext;
  private readonly authorizer: AuthorizerContext | undefined;
  private readonly idleTimer: NodeJS.Timeout;
  private readonly lifetimeTimer: NodeJS.Timeout;
  private readonly delayed = new Set<NodeJS.Timeout>();
  private closing: Close | undefined;
  private halfOpen = false;
  private ended = false;

  constructor(
    socket: WebSocket,
    stream: Duplex,
    facts: ConnectionFacts,
    authorizer: AuthorizerContext | undefined,
    context: GatewayContext,
  ) {
    this.socket = socket;
    this.facts = facts;
    this.authorizer = authorizer;
    this.client = clientIdentity(facts, authorizer);
    this.context = context;
    const { idleTimeoutMs, lifetimeMs } = context.limits;
    this.idleTimer = setTimeout(() => this.expire(), idleTimeoutMs);
    this.lifetimeTimer = setTimeout(() => this.expire(), lifetimeMs);

    const guard = createFrameGuard(context.limits);
    stream.prependListener('data', (chunk: Buffer) => {
      if (guard.exceedsLimit(chunk)) this.close({ code: 1009, reason: '' });
    });
    socket.on('message', (data: Buffer, isBinary) => this.receive(data, isBinary));
    socket.on('close', (code, reason) =>
      this.closed(code === noStatus.code ? noStatus : { code, reason: String(reason) }),
    );
    // A broken socket is closed too; that is where it is dealt with.
    socket.on('error', (error) =>
      context.log.warn('gateway', error.message, { connectionId: facts.connectionId }),
    );
  }

  /** Neither ended nor about to: posts find it. */
  get open(): boolean {
    return !this.ended && !this.closing;
  }

  get bufferedBytes(): number {
    return this.socket.bufferedAmount;
  }

  state(): ConnectionState {
    return { ...this.client, connectedAt: this.facts.connectedAt, lastActiveAt: this.lastActiveAt };
  }

  /** `route`: whose answer it is; what functions post has none. */
  send(text: string | Buffer, route = '@connections'): void {
    if (!this.open) return;
    this.touch();
    const sizeBytes = Buffer.byteLength(text);
    this.context.metering.recordMessageOut(sizeBytes);
    this.context.activity.record({ kind: 'messageOut', client: this.client, route, sizeBytes });
    if (this.halfOpen || this.socket.readyState !== WebSocket.OPEN) return;
    this.socket.send(text, { binary: false });
  }

  sendLater(text: string | Buffer, delayMs: number): void {
    const timer = setTimeout(() => {
      this.delayed.delete(timer);
      this.send(text);
    }, delayMs);
    this.delayed.add(timer);
  }

  close(close: Close): void {
    if (!this.open) return;
    this.closing = close;
    if (this.halfOpen) {
      this.end(close);
      this.socket.terminate();
    } else {
      this.closeSocket(close);
    }
  }

  /** The network fails: no closing handshake. */
  tearDown(): void {
    this.socket.terminate();
  }

  /** From now on the gateway believes in a connection whose client neither hears nor is heard. */
  makeHalfOpen(): void {
    this.halfOpen = true;
  }

  private expire(): void {
    this.close({ code: 1001, reason: 'Going away' });
  }

  /** Messages, not pings, show life: AWS does not say that a ping resets the idle time. */
  private touch(): void {
    this.lastActiveAt = Date.now();
    this.idleTimer.refresh();
  }

  private receive(data: Buffer, isBinary: boolean): void {
    if (!this.open || this.halfOpen) return;
    this.touch();
    this.context.metering.recordMessageIn(data.length);
    if (isBinary) this.close({ code: 1003, reason: '' });
    // Not awaited in turn: every message of a connection is an invocation of its own, and they overtake each other.
    else this.context.track(this.dispatch(data.toString(), data.length));
  }

  private async dispatch(body: string, sizeBytes: number): Promise<void> {
    const { model, invoke, limits, throttling, activity, faults } = this.context;
    const route = selectRoute(model.api, body);
    const routeKey = route?.routeKey ?? '$default';
    activity.record({ kind: 'messageIn', client: this.client, route: routeKey, sizeBytes });
    const context = this.requestContext(routeKey);
    if (!route) return this.sendError('Forbidden', context);
    if (!throttling.admits(route)) return this.sendError('Too Many Requests', context);

    const event = messageEvent(context, body);
    const answer = await callIntegration(route, event, invoke, limits);
    if (faults.answerLost(() => `answer ${invocationSite(route.functionName, event)}`)) return;
    if (answer.kind === 'timedOut') this.sendError('Endpoint request timed out', context);
    else if (answer.kind !== 'answered') this.sendError('Internal server error', context);
    else if (route.returnsResponse) this.sendAnswer(answer.body, context);
  }

  /** AWS says that an answer has 128 KB at most, not what a longer one comes to: here, to what a failure comes to. */
  private sendAnswer(body: string, context: RequestContext): void {
    const sizeBytes = Buffer.byteLength(body);
    if (sizeBytes <= this.context.limits.messageBytes) return this.send(body, context.routeKey);
    this.context.log.warn('gateway', `An answer of ${sizeBytes} bytes is too long`, {
      routeKey: context.routeKey,
    });
    this.sendError('Internal server error', context);
  }

  /** Byte for byte what AWS sends, its one space included. */
  private sendError(message: string, { connectionId, requestId, routeKey }: RequestContext): void {
    this.send(
      `{"message": "${message}", "connectionId":"${connectionId}", "requestId":"${requestId}"}`,
      routeKey,
    );
  }

  private closed(close: Close): void {
    // The gateway does not notice the end of what it already cannot hear; the idle limit will.
    if (!this.halfOpen) this.end(this.closing ?? close);
  }

  /** `$disconnect` follows the end; nobody waits for it, and its result changes nothing. */
  private end(close: Close): void {
    if (this.ended) return;
    this.ended = true;
    this.stopTimers();
    this.context.forget(this.facts.connectionId);
    this.context.activity.record({ kind: 'disconnected', client: this.client, code: close.code });
    this.context.track(notifyDisconnect(this.context, this.facts, this.authorizer, close));
  }

  /** The gateway itself stops: no `$disconnect`, as when a region is lost. */
  async abandon(): Promise<void> {
    this.stopTimers();
    const wasEnded = this.ended;
    this.ended = true;
    if (wasEnded || this.socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise((resolve) => this.socket.once('close', resolve));
    this.closeSocket({ code: 1012, reason: 'Service restart' });
    await closed;
  }

  /** A client that does not answer the close frame is not waited for. */
  private closeSocket({ code, reason }: Close): void {
    const timer = setTimeout(() => this.socket.terminate(), this.context.limits.closeTimeoutMs);
    this.socket.once('close', () => clearTimeout(timer));
    this.socket.close(code, reason);
  }

  private stopTimers(): void {
    clearTimeout(this.idleTimer);
    clearTimeout(this.lifetimeTimer);
    for (const timer of this.delayed) clearTimeout(timer);
  }

  private requestContext(routeKey: string): RequestContext {
    const request = { routeKey, eventType: 'MESSAGE', at: Date.now() } as const;
    return requestContext(this.context.model.api, this.facts, request, this.authorizer);
  }
}

export async function notifyDisconnect(
  { model, invoke, limits, faults, closing }: GatewayContext,
  facts: ConnectionFacts,
  authorizer: AuthorizerContext | undefined,
  close: Close,
): Promise<void> {
  const route = model.api.routes.find(({ routeKey }) => routeKey === '$disconnect');
  if (!route) return;
  const fault = faults.disconnect(() => `$disconnect ${deviceSite(clientIdentity(facts, authorizer))}`);
  if (fault.kind === 'never') return;
  if (fault.kind === 'late')
    await delay(fault.delayMs, undefined, { signal: closing }).catch(() => undefined);
  if (closing.aborted) return;
  const request = { routeKey: '$disconnect', eventType: 'DISCONNECT', at: Date.now() } as const;
  const context = requestContext(model.api, facts, request, authorizer);
  await callIntegration(route, disconnectEvent(facts, context, close), invoke, limits);
}
