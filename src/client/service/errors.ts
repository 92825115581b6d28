// What goes wrong with a request to the service API, as one error class with a code to switch on.
import type { ErrorCode } from '../../protocol/errors.ts';

/** The protocol's codes are what the service API answered; the others happen on the way. */
export type ServiceErrorCode =
  | ErrorCode
  /** API Gateway itself let nobody in: the credentials, their policy, or the clock of this machine. */
  | 'refused'
  /** No answer came, or none that can be read. Whether the request was carried out is not known. */
  | 'network'
  /** The app took it back, by its signal. */
  | 'cancelled';

interface Details {
  readonly status?: number | undefined;
  readonly retryable?: boolean;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly code: ServiceErrorCode;
  /** Of HTTP; `undefined`: there was no answer. */
  readonly status: number | undefined;
  /** The same again may succeed. */
  readonly retryable: boolean;
  /** Milliseconds to wait first, if the server said so. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ServiceErrorCode, message: string, details: Details = {}) {
    super(message, { cause: details.cause });
    this.code = code;
    this.status = details.status;
    this.retryable = details.retryable ?? false;
    this.retryAfterMs = details.retryAfterMs;
  }
}

interface Said {
  readonly error?: { code: ErrorCode; message: string; retryable: boolean; retryAfterMs?: number };
  readonly message?: string;
}

const gatewayCodes: Readonly<Record<number, ServiceErrorCode>> = {
  401: 'refused',
  403: 'refused',
  404: 'not_found',
  413: 'too_large',
  429: 'rate_limited',
  500: 'internal',
};

/** Of an answer that is no success: in the words of the service API, or of API Gateway before it. */
export function toServiceError(status: number, said: Said | undefined): ServiceError {
  if (said?.error) {
    const { code, message, retryable, retryAfterMs } = said.error;
    return new ServiceError(code, message, { status, retryable, retryAfterMs });
  }
  const code = gatewayCodes[status] ?? (status > 500 ? 'unavailable' : 'network');
  const message = `API Gateway answered ${status}${said?.message ? `: ${said.message}` : ''}`;
  return new ServiceError(code, message, { status, retryable: status === 429 || status >= 500 });
}
