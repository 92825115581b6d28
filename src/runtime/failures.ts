// What a caller is told of an unexpected error: whether the same may succeed in a moment, and an id to report.
import { refuse, type Refusal } from '../protocol/errors.ts';

/** What DynamoDB and the network say when the same request may succeed in a moment. */
const transientErrors = new Set([
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'RequestLimitExceeded',
  'LimitExceededException',
  'InternalServerError',
  'ServiceUnavailable',
  'TransactionConflictException',
  'TransactionCanceledException',
  'TransactionInProgressException',
  'TimeoutError',
  'NetworkingError',
]);

/** The text of an unexpected error stays here; the caller gets an id to report. */
export function refuseError(error: unknown, id: string): Refusal {
  return isTransient(error)
    ? refuse('unavailable', `the store did not answer in time (request ${id})`)
    : refuse('internal', `something went wrong (request ${id})`);
}

/** By name, by the SDK's own mark, or because the network failed: then the error has a code of Node's. */
function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { name, code, $retryable } = error as { name: string; code?: unknown; $retryable?: unknown };
  return transientErrors.has(name) || typeof code === 'string' || $retryable !== undefined;
}
