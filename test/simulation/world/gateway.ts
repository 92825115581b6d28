// The gateway of a simulated world, and the network in front of it: handshakes, frames that take their time and keep no
// order, pushes that get lost, sockets that look alive and hear nothing.
import type { Random } from '../../../local/faults/random.ts';
import type { Connections } from '../../../src/core/context.ts';
import type { Push, Refused } from '../../../src/protocol/server-frames.ts';
import type { WebSocketEvent } from '../../../src/runtime/caller.ts';
import type { WebSocketConstructor, WebSocketLike } from '../../../src/client/environment.ts';
import type { WorldFaults } from './faults.ts';
import type { Scheduler } from './scheduler.ts';
import type { Life } from './store.ts';

const ABNORMAL = 1006;
const NORMAL = 1000;
const GOING_AWAY = 1001;
const LIFETIME_MS = 2 * 3_600_000;
const IDLE_MS = 10 * 60_000;

export interface Authorization {
  readonly userId: string;
  /** Of the token: seconds since the epoch. */
  readonly expiresAt: number;
}

export type Reply =
  /** The frame to answer with, if there is one. */
  | { readonly outcome: 'answered'; readonly frame: string | undefined }
  /** The gateway says so. */
  | { readonly outcome: 'failed' };

/** What happens in the cloud for the gateway. */
export interface Backend {
  authorize(token: string): Authorization | undefined;
  findSuccessor(event: WebSocketEvent): Promise<string | undefined>;
  connect(event: WebSocketEvent): Promise<boolean>;
  disconnect(event: WebSocketEvent): Promise<void>;
  request(event: WebSocketEvent): Promise<Reply>;
}

export interface GatewayOptions {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: () => WorldFaults;
  readonly backend: Backend;
}

interface Connected {
  readonly connectionId: string;
  readonly connectedAt: number;
  readonly authorizer: WebSocketEvent['requestContext']['authorizer'];
  readonly socket: Socket;
  /** Whether the gateway takes what is posted: not before `$connect` has answered. */
  isOpen: boolean;
  lastHeard: number;
}

type Listener = (event: never) => void;

export class Gateway {
  private readonly options: GatewayOptions;
  private readonly connections = new Map<string, Connected>();
  private last = 0;

  constructor(options: GatewayOptions) {
    this.options = options;
  }

  /** Sockets of one device; `onOpen` hears of each that is made. */
  socketsFor(onSocket: (socket: Socket) => void): WebSocketConstructor {
    return socketsOf(this, onSocket);
  }

  /** What an invocation posts goes out only while that lives. */
  connectionsFor(life: Life): Connections {
    const { scheduler, random, faults } = this.options;
    const post = async (connectionId: string, frame: Push | Refused) => {
      const { gateway } = faults();
      await scheduler.wait(random.between(...gateway.latencyMs));
      if (life.over) return new Promise<never>(() => {});
      if (random.next() < gateway.throttlePush) return 'stalled' as const;
      const connected = this.connections.get(connectionId);
      if (!connected?.isOpen) return 'gone' as const;
      const text = JSON.stringify(frame);
      if (random.next() >= gateway.dropPush) this.deliver(connected, text);
      if (random.next() < gateway.duplicatePush) this.deliver(connected, text);
      return 'accepted' as const;
    };
    return {
      post: async (connectionId, frame) => {
        const delivery = await post(connectionId, frame);
        return delivery === 'stalled' ? 'failed' : delivery;
      },
      startPushes: () => ({ push: post, lastCall: () => {} }),
      close: async (connectionId) => {
        await scheduler.wait(random.between(...gatewayOf(faults()).latencyMs));
        if (!life.over) this.end(connectionId, NORMAL);
      },
    };
  }

  /** A handshake; the socket hears how it ended. */
  async open(socket: Socket, url: string, protocols: readonly string[]): Promise<void> {
    const { scheduler, random, faults, backend } = this.options;
    await scheduler.wait(random.between(...faults().gateway.latencyMs));
    const token = protocols.find((protocol) => protocol.startsWith('bearer.'))?.slice('bearer.'.length) ?? '';
    const claims = backend.authorize(token);
    if (!claims) return socket.refuse(401);
    const query = Object.fromEntries(new URL(url).searchParams);
    const connectionId = `c${++this.last}`;
    const connectedAt = Math.floor(scheduler.now);
    const event = (authorizer: WebSocketEvent['requestContext']['authorizer']): WebSocketEvent => ({
      requestContext: {
        routeKey: '$connect',
        eventType: 'CONNECT',
        connectionId,
        requestId: connectionId,
        connectedAt,
        requestTimeEpoch: connectedAt,
        authorizer,
      },
      queryStringParameters: query,
    });
    const { userId: principalId, expiresAt } = claims;
    const { deviceId, platform } = query as { deviceId: string; platform: string };
    const known = { principalId, expiresAt, deviceId, platform };
    const replacedBy = query['resume'] === '1' ? await backend.findSuccessor(event(known)) : undefined;
    const authorizer = { ...known, ...(replacedBy && { replacedBy }) };
    const connected: Connected = {
      connectionId,
      connectedAt,
      authorizer,
      socket,
      isOpen: false,
      lastHeard: scheduler.now,
    };
    this.connections.set(connectionId, connected);
    const accepted = replacedBy !== undefined || (await backend.connect(event(authorizer)));
    if (!accepted) {
      this.connections.delete(connectionId);
      return socket.refuse(502);
    }
    connected.isOpen = true;
    socket.connectionId = connectionId;
    await scheduler.wait(random.between(...faults().gateway.latencyMs));
    if (!this.connections.has(connectionId)) return socket.refuse(502);
    socket.open();
    scheduler.after(LIFETIME_MS, () => this.end(connectionId, GOING_AWAY));
    this.watchIdle(connected);
  }

  /** A frame from a client. */
  receive(connectionId: string, text: string): void {
    const { scheduler, random, faults } = this.options;
    const { gateway } = faults();
    const connected = this.connections.get(connectionId);
    if (!connected) return;
    const lot = random.next();
    if (lot < gateway.disconnect) return this.drop(connectionId);
    if (lot < gateway.disconnect + gateway.halfOpen) connected.socket.hearsNothing = true;
    scheduler.after(random.between(...gateway.latencyMs), () => {
      if (this.connections.get(connectionId) !== connected) return;
      connected.lastHeard = scheduler.now;
      const { connectedAt, authorizer } = connected;
      const event: WebSocketEvent = {
        requestContext: {
          routeKey: 'action',
          eventType: 'MESSAGE',
          connectionId,
          requestId: `${connectionId}-${scheduler.turns}`,
          connectedAt,
          requestTimeEpoch: Math.floor(scheduler.now),
          authorizer,
        },
        body: text,
      };
      void this.answer(connected, event);
    });
  }

  private async answer(connected: Connected, event: WebSocketEvent): Promise<void> {
    const reply = await this.options.backend.request(event);
    if (reply.outcome === 'answered' && reply.frame === undefined) return;
    const { connectionId, requestId } = event.requestContext;
    const failed = { message: 'Internal server error', connectionId, requestId };
    this.deliver(connected, reply.outcome === 'answered' ? reply.frame! : JSON.stringify(failed));
  }

  /** The client ends it, or the network between them is gone: the gateway hears of it, at once or late. */
  drop(connectionId: string): void {
    this.end(connectionId, ABNORMAL);
  }

  private deliver(connected: Connected, text: string): void {
    const { scheduler, random, faults } = this.options;
    const { latencyMs, delayPushMs } = faults().gateway;
    scheduler.after(random.between(...latencyMs) + random.between(...delayPushMs), () =>
      connected.socket.hear(text),
    );
  }

  private end(connectionId: string, code: number): void {
    const { scheduler, random, faults, backend } = this.options;
    const connected = this.connections.get(connectionId);
    if (!connected) return;
    this.connections.delete(connectionId);
    scheduler.after(random.between(...faults().gateway.latencyMs), () => connected.socket.end(code));
    const { connectedAt, authorizer } = connected;
    scheduler.after(random.between(...faults().gateway.delayPushMs), () => {
      void backend.disconnect({
        requestContext: {
          routeKey: '$disconnect',
          eventType: 'DISCONNECT',
          connectionId,
          requestId: `${connectionId}-end`,
          connectedAt,
          requestTimeEpoch: Math.floor(scheduler.now),
          authorizer,
        },
      });
    });
  }

  private watchIdle(connected: Connected): void {
    const { scheduler } = this.options;
    const { connectionId } = connected;
    const look = () => {
      if (this.connections.get(connectionId) !== connected) return;
      const idleMs = scheduler.now - connected.lastHeard;
      if (idleMs >= IDLE_MS) return this.end(connectionId, GOING_AWAY);
      scheduler.after(IDLE_MS - idleMs, look);
    };
    scheduler.after(IDLE_MS, look);
  }
}

function socketsOf(gateway: Gateway, onSocket: (socket: Socket) => void): WebSocketConstructor {
  return class extends Socket {
    constructor(url: string, protocols: string[]) {
      super(gateway, url, protocols);
      onSocket(this);
    }
  };
}

const gatewayOf = (faults: WorldFaults) => faults.gateway;

/** The client's end. */
export class Socket implements WebSocketLike {
  handshakeStatus: number | undefined;
  connectionId: string | undefined;
  /** It looks alive to the gateway. */
  hearsNothing = false;
  private readonly gateway: Gateway;
  private readonly listeners = new Map<string, Listener[]>();
  private state: 'opening' | 'open' | 'ended' = 'opening';

  constructor(gatewayOfWorld: Gateway, url: string, protocols: string[]) {
    this.gateway = gatewayOfWorld;
    void gatewayOfWorld.open(this, url, protocols);
  }

  addEventListener(type: string, listener: (event: never) => void): void {
    const those = this.listeners.get(type) ?? [];
    this.listeners.set(type, [...those, listener]);
  }

  send(data: string): void {
    if (this.state === 'open' && this.connectionId) this.gateway.receive(this.connectionId, data);
  }

  close(): void {
    if (this.connectionId) this.gateway.drop(this.connectionId);
    if (this.state === 'opening') this.end(ABNORMAL);
  }

  terminate(): void {
    this.close();
    this.end(ABNORMAL);
  }

  /** Nobody listens any more: the process is gone. */
  forsake(): void {
    this.listeners.clear();
    this.terminate();
  }

  open(): void {
    if (this.state === 'ended') {
      if (this.connectionId) this.gateway.drop(this.connectionId);
      return;
    }
    this.state = 'open';
    this.emit('open', {});
  }

  refuse(status: number): void {
    this.handshakeStatus = status;
    this.emit('error', {});
    this.end(ABNORMAL);
  }

  hear(data: string): void {
    if (this.state === 'open' && !this.hearsNothing) this.emit('message', { data });
  }

  end(code: number): void {
    if (this.state === 'ended' || (this.hearsNothing && code !== ABNORMAL)) return;
    this.state = 'ended';
    this.emit('close', { code, reason: '' });
  }

  private emit(type: string, event: object): void {
    for (const listener of this.listeners.get(type) ?? []) listener(event as never);
  }
}
