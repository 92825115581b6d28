// Stored messages, from the stream to whoever the operator has told of them: in order, and again until they are taken.
import { Duration } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { FilterCriteria, FilterRule, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { DynamoEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { fromHookAttribute, importedAttribute } from '../src/core/tables.ts';
import type { Config } from './config.ts';
import { ImFunction } from './im-function.ts';
import { sendOnlyDestination } from './on-failure.ts';
import type { Tables } from './tables.ts';

export interface AfterSendProps {
  config: Config;
  tables: Tables;
  failures: Queue;
  environment: Record<string, string>;
}

export class AfterSend extends Construct {
  readonly telling: ImFunction;

  constructor(scope: Construct, id: string, { config, tables, failures, environment }: AfterSendProps) {
    super(scope, id);
    this.telling = new ImFunction(this, 'after-send', {
      description: 'Tells the operator’s endpoint or event bus of messages that were stored',
      // A batch comes to 25 requests at most, of 5 s each.
      timeout: Duration.minutes(3),
      environment,
    }).useTable(tables, 'Messages', 'BatchGetItem');
    // As in fan-out.ts: CDK's own classes do not fit its own interfaces here.
    const messages = tables.get('Messages') as ITable;
    this.telling.function.addEventSource(
      new DynamoEventSource(messages, {
        // What was said before the hook was there is not told.
        startingPosition: StartingPosition.LATEST,
        batchSize: 100,
        // One batch of a shard at a time, tried from its first failure until it is taken or too old: order holds (docs/decisions/0014).
        parallelizationFactor: 1,
        reportBatchItemFailures: true,
        maxRecordAge: Duration.minutes(config.afterSendMaxAgeMinutes),
        onFailure: sendOnlyDestination(failures),
        filters: [
          FilterCriteria.filter({
            eventName: FilterRule.isEqual('INSERT'),
            dynamodb: {
              NewImage: {
                type: { S: FilterRule.exists() },
                [importedAttribute]: { BOOL: FilterRule.notExists() },
                [fromHookAttribute]: { BOOL: FilterRule.notExists() },
              },
            },
          }),
        ],
      }),
    );
  }
}
