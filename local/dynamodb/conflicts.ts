// How DynamoDB refuses what an ongoing transaction stands in the way of; the engines know no such transactions.
import { refusal, type Answer } from './answers.ts';
import { transactItems } from './requests.ts';

const reason = 'Transaction is ongoing for the item';

const plainWrites: ReadonlySet<string> = new Set(['DeleteItem', 'PutItem', 'UpdateItem']);
const transactions: ReadonlySet<string> = new Set(['TransactGetItems', 'TransactWriteItems']);

/** Batches are not refused: DynamoDB hands their items back as unprocessed. */
export function conflictsOf(operation: string): 'possible' | 'impossible' {
  return plainWrites.has(operation) || transactions.has(operation) ? 'possible' : 'impossible';
}

/** Of a transaction, the first item is the one that another holds. */
export function conflictRefusal(operation: string, input: Record<string, unknown>): Answer {
  if (!transactions.has(operation)) return refusal('TransactionConflictException', reason);
  const reasons = transactItems(input).map((_, index) =>
    index === 0 ? { Code: 'TransactionConflict', Message: reason } : { Code: 'None' },
  );
  const codes = reasons.map(({ Code }) => Code).join(', ');
  const { status, body } = refusal(
    'TransactionCanceledException',
    `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`,
  );
  return { status, body: JSON.stringify({ ...(JSON.parse(body) as object), CancellationReasons: reasons }) };
}
