// What DynamoDB refuses, in the SDK's own classes: callers recognise them as they do on AWS.
import {
  ConditionalCheckFailedException,
  DynamoDBServiceException,
  IdempotentParameterMismatchException,
  ResourceNotFoundException,
  TransactionCanceledException,
  type CancellationReason,
} from '@aws-sdk/client-dynamodb';
import type { Item } from './attribute-values.ts';

export const metadata = { httpStatusCode: 200, attempts: 1, totalRetryDelay: 0 } as const;
const refused = { ...metadata, httpStatusCode: 400 } as const;

/** The SDK has no class for it: it is known by its name. */
export class ValidationException extends DynamoDBServiceException {
  override readonly name = 'ValidationException';

  constructor(message: string) {
    super({ name: 'ValidationException', $fault: 'client', message, $metadata: refused });
    Object.setPrototypeOf(this, ValidationException.prototype);
  }
}

export const conditionFailedMessage = 'The conditional request failed';

export function conditionalCheckFailed(item: Item | undefined): ConditionalCheckFailedException {
  // An answer like any other, and frequent: its stack would take longer than the write.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return new ConditionalCheckFailedException({
      message: conditionFailedMessage,
      $metadata: refused,
      ...(item && { Item: item }),
    });
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

export function transactionCanceled(reasons: CancellationReason[]): TransactionCanceledException {
  const codes = reasons.map(({ Code }) => Code).join(', ');
  return new TransactionCanceledException({
    message: `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`,
    $metadata: refused,
    CancellationReasons: reasons,
  });
}

export function idempotentParameterMismatch(): IdempotentParameterMismatchException {
  return new IdempotentParameterMismatchException({
    message: 'Request has the same ClientRequestToken as an earlier one, with other parameters',
    $metadata: refused,
  });
}

export function tableNotFound(): ResourceNotFoundException {
  return new ResourceNotFoundException({ message: 'Requested resource not found', $metadata: refused });
}
