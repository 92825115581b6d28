// The error catalogue: every code, whether to try again, and what a client should do about it.

interface ErrorDescription {
  readonly retryable: boolean;
  /** What the client should do. */
  readonly advice: string;
}

export const errorCatalogue = {
  bad_request: { retryable: false, advice: 'Mend the field that the message names.' },
  unauthorized: { retryable: false, advice: 'Connect again with a fresh token.' },
  forbidden: { retryable: false, advice: 'The user may not do this.' },
  not_found: { retryable: false, advice: 'There is no such thing.' },
  user_not_found: { retryable: false, advice: 'No user of this id has ever connected.' },
  not_member: { retryable: false, advice: 'The user is not in this conversation.' },
  blocked: { retryable: false, advice: 'The other user does not take messages from this one.' },
  muted: { retryable: false, advice: 'The user may read but not send here.' },
  idempotency_conflict: {
    retryable: false,
    advice: 'This clientMsgId was used for another message: make a new one.',
  },
  recall_expired: { retryable: false, advice: 'The time for this has passed.' },
  group_full: { retryable: false, advice: 'Remove members first.' },
  too_large: { retryable: false, advice: 'Send less, or send a link.' },
  rate_limited: { retryable: true, advice: 'Wait for retryAfterMs, then send the same again.' },
  unavailable: { retryable: true, advice: 'Try the same again, with jittered backoff.' },
  internal: { retryable: true, advice: 'Try the same again; report the request id if it stays.' },
} as const satisfies Record<string, ErrorDescription>;

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
