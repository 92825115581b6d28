// The error catalogue: every code, whether to try again, and what a client should do about it.

/** Each code: what it means, and what the client should do. */
export const errorCatalogue = {
  /** Mend the field that the message names. */
  bad_request: { retryable: false },
  /** Connect again with a fresh token. */
  unauthorized: { retryable: false },
  /** The user may not do this. */
  forbidden: { retryable: false },
  /** There is no such thing. */
  not_found: { retryable: false },
  /** No user of this id has ever connected. */
  user_not_found: { retryable: false },
  /** The user is not in this conversation. */
  not_member: { retryable: false },
  /** The other user does not take messages from this one. */
  blocked: { retryable: false },
  /** The user may read but not send here. */
  muted: { retryable: false },
  /** This clientMsgId was used for another message: make a new one. */
  idempotency_conflict: { retryable: false },
  /** The time for this has passed. */
  recall_expired: { retryable: false },
  /** Remove members first. */
  group_full: { retryable: false },
  /** Send less, or send a link. */
  too_large: { retryable: false },
  /** Wait for retryAfterMs, then send the same again. */
  rate_limited: { retryable: true },
  /** Try the same again, with jittered backoff. */
  unavailable: { retryable: true },
  /** Try the same again; report the request id if it stays. */
  internal: { retryable: true },
} as const satisfies Record<string, { readonly retryable: boolean }>;

export type ErrorCode = keyof typeof errorCatalogue;
export const errorCodes = Object.keys(errorCatalogue) as [ErrorCode, ...ErrorCode[]];

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
