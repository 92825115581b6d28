// The parts of a WebSocket event that we use (API Gateway developer guide, "WebSocket API integration requests"),
// and who it says is calling. What the authorizer returned at connect time comes with every later event.
import type { DeviceName } from '../core/connections.ts';
import type { Caller } from '../core/context.ts';
import { platforms, type Platform } from '../protocol/ids.ts';

export interface AuthorizerContext {
  readonly principalId: string;
  /** Absent when the query of the connection was wrong; `$connect` refuses it then. */
  readonly deviceId?: string;
  readonly platform?: string;
  /** The token's `exp`: epoch seconds. A number or its text: services differ in what they keep of the type. */
  readonly expiresAt: string | number;
  /** The token's `iat`, likewise. Connections of before it was passed on have none. */
  readonly issuedAt?: string | number;
  /** `<deviceId> <platform>` of who took over since the device connected last; for one that comes back by itself. */
  readonly replacedBy?: string;
}

export interface WebSocketEvent {
  readonly requestContext: {
    readonly routeKey: string;
    readonly eventType: 'CONNECT' | 'MESSAGE' | 'DISCONNECT';
    readonly connectionId: string;
    readonly requestId: string;
    /** Milliseconds since the epoch. */
    readonly connectedAt: number;
    /** When the gateway took this request: milliseconds since the epoch. */
    readonly requestTimeEpoch: number;
    readonly authorizer: AuthorizerContext;
  };
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly queryStringParameters?: Readonly<Record<string, string | undefined>> | null;
  readonly body?: string;
}

export function callerOf({ requestContext }: WebSocketEvent): Caller {
  const { connectionId, connectedAt, authorizer, requestTimeEpoch: arrivedAt } = requestContext;
  const { principalId: userId, deviceId, platform } = authorizer;
  if (!deviceId || !isPlatform(platform)) throw new Error('The connection has no device');
  const expiresAt = Number(authorizer.expiresAt);
  const issuedAt = authorizer.issuedAt === undefined ? undefined : Number(authorizer.issuedAt);
  return {
    userId,
    deviceId,
    platform,
    connectionId,
    connectedAt,
    expiresAt,
    ...(issuedAt !== undefined && { issuedAt }),
    arrivedAt,
  };
}

/** Another device took over: this connection was let in only to be told so. */
export function replacedBy({ requestContext }: WebSocketEvent): DeviceName | undefined {
  const [deviceId, platform] = requestContext.authorizer.replacedBy?.split(' ') ?? [];
  return deviceId && isPlatform(platform) ? { deviceId, platform } : undefined;
}

function isPlatform(value: unknown): value is Platform {
  return platforms.some((platform) => platform === value);
}

/** A header by its name in any case. */
export function header(
  headers: Readonly<Record<string, string | undefined>> | undefined,
  name: string,
): string | undefined {
  const found = Object.keys(headers ?? {}).find((key) => key.toLowerCase() === name.toLowerCase());
  return found === undefined ? undefined : headers?.[found];
}
