// Why a connection ended, or never opened, as an error that says what can be done about it.
import type { CloseReason } from './connection.ts';
import { connectionLost, ImError } from '../errors.ts';
import type { Token } from './token.ts';

/** `token`: the one that a failed handshake offered. `serverNow`: milliseconds since the epoch, by the server's clock. */
export function explainClose(
  { unauthorized, status, opened, code }: CloseReason,
  token: Token | undefined,
  serverNow: number,
): ImError {
  // A browser does not tell why a handshake failed, but the token says when it ends.
  const outdated = !opened && token !== undefined && token.expiresAtMs <= serverNow;
  if (unauthorized || status === 401 || (outdated && status === undefined)) {
    return new ImError('unauthorized', 'The server did not take the token', { retryable: true, status });
  }
  if (status !== undefined) {
    const message = `The server refused the connection with status ${status}`;
    return new ImError('refused', message, { retryable: status >= 429, status });
  }
  return connectionLost(opened ? `The connection ended with code ${code}` : 'The server cannot be reached');
}
