// Writes to several items: all or nothing; and once for a token, however often it comes within ten minutes.
import type {
  CancellationReason,
  TransactWriteItem,
  TransactWriteItemsCommandInput,
} from '@aws-sdk/client-dynamodb';
import {
  conditionFailedMessage,
  idempotentParameterMismatch,
  transactionCanceled,
  ValidationException,
} from './errors.ts';
import type { Table, Write } from './table.ts';
import { prepareCheck, prepareDelete, preparePut, prepareUpdate, type PreparedWrite } from './writes.ts';

const MAX_PARTS = 100;
const TOKEN_LIFETIME_MS = 10 * 60_000;

interface Part extends PreparedWrite {
  readonly returnsItem: boolean;
}

export class Transactions {
  private readonly now: () => number;
  private readonly tableOf: (name: string | undefined) => Table;
  private readonly done = new Map<string, { readonly at: number; readonly request: string }>();

  constructor(now: () => number, tableOf: (name: string | undefined) => Table) {
    this.now = now;
    this.tableOf = tableOf;
  }

  execute({ TransactItems = [], ClientRequestToken: token }: TransactWriteItemsCommandInput): void {
    const request = token === undefined ? '' : JSON.stringify(TransactItems);
    const before = token === undefined ? undefined : this.done.get(token);
    if (before && this.now() - before.at < TOKEN_LIFETIME_MS) {
      if (before.request !== request) throw idempotentParameterMismatch();
      return;
    }
    const parts = TransactItems.map((item) => this.prepare(item));
    checkParts(parts);
    for (const write of evaluateAll(parts)) write.table.apply(write);
    if (token !== undefined) this.done.set(token, { at: this.now(), request });
  }

  private prepare({ Put, Update, Delete, ConditionCheck }: TransactWriteItem): Part {
    if (Put) return toPart(preparePut(this.tableOf(Put.TableName), Put), Put);
    if (Update) return toPart(prepareUpdate(this.tableOf(Update.TableName), Update), Update);
    if (Delete) return toPart(prepareDelete(this.tableOf(Delete.TableName), Delete), Delete);
    if (!ConditionCheck)
      throw new ValidationException('TransactItems can only contain one of its operations');
    return toPart(prepareCheck(this.tableOf(ConditionCheck.TableName), ConditionCheck), ConditionCheck);
  }
}

type OnFailure = { readonly ReturnValuesOnConditionCheckFailure?: string | undefined };

function toPart(prepared: PreparedWrite, { ReturnValuesOnConditionCheckFailure }: OnFailure): Part {
  return { ...prepared, returnsItem: ReturnValuesOnConditionCheckFailure === 'ALL_OLD' };
}

function checkParts(parts: readonly Part[]): void {
  if (parts.length === 0 || parts.length > MAX_PARTS) {
    throw new ValidationException(`A transaction has 1 to ${MAX_PARTS} items, not ${parts.length}`);
  }
  const items = new Set(parts.map(({ table, key }) => `${table.name} ${key.sort} ${key.partition}`));
  if (items.size === parts.length) return;
  throw new ValidationException('Transaction request cannot include multiple operations on one item');
}

/** All items are different ones, so each part sees its item as the whole transaction does. */
function evaluateAll(parts: readonly Part[]): Write[] {
  const writes: Write[] = [];
  const reasons = parts.map((part) => evaluate(part, writes));
  if (writes.length < parts.length) throw transactionCanceled(reasons);
  return writes;
}

function evaluate({ evaluate, returnsItem }: Part, writes: Write[]): CancellationReason {
  try {
    const evaluation = evaluate();
    if (evaluation.kind === 'write') {
      writes.push(evaluation.write);
      return { Code: 'None' };
    }
    return {
      Code: 'ConditionalCheckFailed',
      Message: conditionFailedMessage,
      ...(returnsItem && evaluation.item && { Item: evaluation.item }),
    };
  } catch (error) {
    if (!(error instanceof ValidationException)) throw error;
    return { Code: 'ValidationError', Message: error.message };
  }
}
