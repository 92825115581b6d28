// What goes wrong, as one error class with a code to switch on.
import type { ErrorCode } from '../protocol/errors.ts';

/** The protocol's codes are what the server answered; the others happen on this side. */
export type ImErrorCode =
  | ErrorCode
  /** The client was closed, or the message discarded. */
  | 'closed'
  /** The app took it back, by its signal. */
  | 'cancelled'
  /** Another device took the place of this one. */
  | 'kicked'
  /** There is no connection, or it broke before the answer came. Whether the request was carried out is not known. */
  | 'connection_lost'
  /** No answer in time. Whether the request was carried out is not known. */
  | 'timeout'
  /** The server refused the handshake, or the store a file; `status` says how. */
  | 'refused'
  /** The local storage failed, was damaged, is open elsewhere, or was written by a newer version. */
  | 'storage'
  /** A message that this client cannot read; it passes it over. */
  | 'unreadable'
  /** The token or the storage belongs to another user. */
  | 'wrong_user';

interface Details {
  readonly retryable?: boolean;
  readonly retryAfterMs?: number | undefined;
  readonly status?: number | undefined;
  readonly cause?: unknown;
}

export class ImError extends Error {
  override readonly name = 'ImError';
  readonly code: ImErrorCode;
  /** The same again may succeed. */
  readonly retryable: boolean;
  /** Milliseconds to wait first, if the server said so. */
  readonly retryAfterMs: number | undefined;
  /** HTTP status of a refused file, or of a refused handshake, which a browser never learns. */
  readonly status: number | undefined;

  constructor(code: ImErrorCode, message: string, details: Details = {}) {
    super(message, { cause: details.cause });
    this.code = code;
    this.retryable = details.retryable ?? false;
    this.retryAfterMs = details.retryAfterMs;
    this.status = details.status;
  }
}

export const connectionLost = (message = 'The connection is gone') =>
  new ImError('connection_lost', message, { retryable: true });

export const unreadableAnswer = (action: string) =>
  new ImError('internal', `${action}: the answer cannot be read`, { retryable: true });

export const toldToStayAway = () => new ImError('kicked', 'The device was told to stay away');

export const clientClosed = () => new ImError('closed', 'The client was closed');

export function toImError(error: unknown): ImError {
  if (error instanceof ImError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ImError('internal', message, { cause: error });
}

export const notUserId = (userId: string) => new ImError('bad_request', `"${userId}" is no userId`);
