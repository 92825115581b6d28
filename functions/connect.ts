// Registers a connection; the older one of this device, or of this platform, ends, and who watches is told. One that comes back by itself, and has
// been replaced meanwhile, ends nobody.
import * as v from 'valibot';
import { arrive } from '../src/core/people/arrivals.ts';
import { deviceIdSchema, platformSchema } from '../src/protocol/id-schemas.ts';
import { SUBPROTOCOL } from '../src/protocol/version.ts';
import { callerOf, header, replacedBy, type WebSocketEvent } from '../src/runtime/caller.ts';
import { createContext } from '../src/runtime/context.ts';
import { readSubprotocols } from '../src/runtime/subprotocols.ts';

const ctx = createContext();
const querySchema = v.object({
  deviceId: deviceIdSchema,
  platform: platformSchema,
  /** A reconnect that nobody asked for. */
  resume: v.optional(v.picklist(['0', '1'])),
});

export async function handler(event: WebSocketEvent) {
  const query = v.safeParse(querySchema, event.queryStringParameters ?? {});
  const { version } = readSubprotocols(header(event.headers, 'Sec-WebSocket-Protocol'));
  if (!query.success || !version) return { statusCode: 400 };

  // Who was replaced meanwhile takes no place: the connection learns of it at its first request.
  const bar = replacedBy(event) ? undefined : await arrive(ctx, callerOf(event));
  if (bar) {
    ctx.log.warn('connection refused', { userId: event.requestContext.authorizer.principalId, bar });
    return { statusCode: bar === 'banned' ? 403 : 401 };
  }
  return { statusCode: 200, headers: { 'Sec-WebSocket-Protocol': SUBPROTOCOL } };
}
