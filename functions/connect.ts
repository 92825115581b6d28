// Registers a connection; the older one of this device, or of this platform, ends.
import * as v from 'valibot';
import { registerConnection } from '../src/core/devices.ts';
import { deviceIdSchema, platformSchema } from '../src/protocol/ids.ts';
import { SUBPROTOCOL } from '../src/protocol/version.ts';
import { callerOf, header, type WebSocketEvent } from '../src/runtime/caller.ts';
import { createContext } from '../src/runtime/context.ts';
import { readSubprotocols } from '../src/runtime/subprotocols.ts';

const ctx = createContext();
const querySchema = v.object({ deviceId: deviceIdSchema, platform: platformSchema });

export async function handler(event: WebSocketEvent) {
  const query = v.safeParse(querySchema, event.queryStringParameters ?? {});
  const { version } = readSubprotocols(header(event.headers, 'Sec-WebSocket-Protocol'));
  if (!query.success || !version) return { statusCode: 400 };

  await registerConnection(ctx, callerOf(event), event.requestContext.connectedAt);
  return { statusCode: 200, headers: { 'Sec-WebSocket-Protocol': SUBPROTOCOL } };
}
