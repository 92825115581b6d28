// Lets a connection in, or not: 401 without a good token, 403 for a browser of a foreign origin or another's device.
// The query is checked by `$connect`, which alone can answer 400; what is right in it travels as context.
import * as v from 'valibot';
import { findSuccessor } from '../src/core/connections.ts';
import { deviceIdSchema, platformSchema } from '../src/protocol/id-schemas.ts';
import { serializeOrigin } from '../src/protocol/origins.ts';
import { header } from '../src/runtime/caller.ts';
import { createStore } from '../src/runtime/context.ts';
import { optional, required } from '../src/runtime/environment.ts';
import { log } from '../src/runtime/log.ts';
import { readSubprotocols } from '../src/runtime/subprotocols.ts';
import { createTokenVerifier } from '../src/runtime/tokens.ts';

const store = createStore();

interface AuthorizerEvent {
  readonly methodArn: string;
  readonly headers?: Record<string, string>;
  readonly queryStringParameters?: Record<string, string> | null;
}

const deviceSchema = v.object({
  deviceId: deviceIdSchema,
  platform: platformSchema,
  resume: v.optional(v.string()),
});
const verifyToken = await createTokenVerifier({
  keys: required('TOKEN_KEYS'),
  issuer: required('TOKEN_ISSUER'),
  audience: required('TOKEN_AUDIENCE'),
  userClaim: required('TOKEN_USER_CLAIM'),
  maxHours: Number(required('TOKEN_MAX_HOURS')),
  now: Date.now,
});
const allowedOrigins = new Set((optional('ALLOWED_ORIGINS') ?? '').split(',').filter(Boolean));

export async function handler(event: AuthorizerEvent) {
  const { token } = readSubprotocols(header(event.headers, 'Sec-WebSocket-Protocol'));
  const claims = token ? await verifyToken(token) : undefined;
  // API Gateway answers 401 to exactly this error.
  if (!claims) throw new Error('Unauthorized');

  const { deviceId, platform } = event.queryStringParameters ?? {};
  const origin = header(event.headers, 'Origin');
  const foreignOrigin = origin !== undefined && !allowedOrigins.has(serializeOrigin(origin) ?? '');
  const foreignDevice = claims.deviceId !== undefined && claims.deviceId !== deviceId;
  const allowed = !foreignOrigin && !foreignDevice;
  const device = v.safeParse(deviceSchema, event.queryStringParameters ?? {});
  const successor =
    allowed && device.success && device.output.resume === '1'
      ? await findSuccessor(store, { userId: claims.userId, ...device.output })
      : undefined;
  if (!allowed) log.warn('connection refused', { userId: claims.userId, foreignOrigin, foreignDevice });

  return {
    principalId: claims.userId,
    policyDocument: {
      Version: '2012-10-17',
      Statement: [
        { Action: 'execute-api:Invoke', Effect: allowed ? 'Allow' : 'Deny', Resource: event.methodArn },
      ],
    },
    context: {
      expiresAt: claims.expiresAt,
      issuedAt: claims.issuedAt,
      ...(v.is(deviceIdSchema, deviceId) && { deviceId }),
      ...(v.is(platformSchema, platform) && { platform }),
      ...(successor && { replacedBy: `${successor.deviceId} ${successor.platform}` }),
    },
  };
}
