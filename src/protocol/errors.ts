// The error catalogue: every code, whether to try again, and what a client should do about it.

export const errorCatalogue = {
  bad_request: { retryable: false },
  unauthorized: { retryable: false },
  forbidden: { retryable: false },
  not_found: { retryable: false },
  user_not_found: { retryable: false },
  not_member: { retryable: false },
  blocked: { retryable: false },
  muted: { retryable: false },
  idempotency_conflict: { retryable: false },
  recall_expired: { retryable: false },
  group_full: { retryable: false },
  too_large: { retryable: false },
  rate_limited: { retryable: true },
  unavailable: { retryable: true },
  internal: { retryable: true },
} as const satisfies Record<string, { readonly retryable: boolean }>;

export type ErrorCode = keyof typeof errorCatalogue;
export const errorCodes = Object.keys(errorCatalogue) as [ErrorCode, ...ErrorCode[]];

/** What a client should do; for the documentation, and not in any bundle. */
export const errorAdvice: Readonly<Record<ErrorCode, string>> = {
  bad_request: 'Mend the field that the message names.',
  unauthorized: 'Connect again with a fresh token.',
  forbidden: 'The user may not do this.',
  not_found: 'There is no such thing.',
  user_not_found: 'No user of this id has ever connected.',
  not_member: 'The user is not in this conversation.',
  blocked: 'The other user does not take messages from this one.',
  muted: 'The user may read but not send here.',
  idempotency_conflict: 'This clientMsgId was used for another message: make a new one.',
  recall_expired: 'The time for this has passed.',
  group_full: 'Remove members first.',
  too_large: 'Send less, or send a link.',
  rate_limited: 'Wait for retryAfterMs, then send the same again.',
  unavailable: 'Try the same again, with jittered backoff.',
  internal: 'Try the same again; report the request id if it stays.',
};

/** Of the service API, over HTTP. */
export const errorStatuses: Readonly<Record<ErrorCode, number>> = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  user_not_found: 404,
  not_member: 403,
  blocked: 403,
  muted: 403,
  idempotency_conflict: 409,
  recall_expired: 409,
  group_full: 409,
  too_large: 413,
  rate_limited: 429,
  unavailable: 503,
  internal: 500,
};

export interface ProtocolError {
  readonly code: ErrorCode;
  /** For developers; says which field and why. */
  readonly message: string;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
}

/** What an action answers when it does not do what was asked: an expected outcome, not an exception. */
export interface Refusal {
  readonly ok: false;
  readonly error: ProtocolError;
}

export function refuse(code: ErrorCode, message: string, details?: { retryAfterMs: number }): Refusal {
  return { ok: false, error: { code, message, retryable: errorCatalogue[code].retryable, ...details } };
}
