// New messages, from the stream to the mailboxes and the connected devices.
import { Duration } from 'aws-cdk-lib';
import type { IWebSocketApi } from 'aws-cdk-lib/aws-apigatewayv2';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { FilterCriteria, FilterRule, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { DynamoEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Queue, type IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { importedAttribute } from '../src/core/tables.ts';
import { acknowledge } from './acknowledged.ts';
import { safeQueue } from './baseline.ts';
import { ImFunction } from './im-function.ts';
import { sendOnlyDestination } from './on-failure.ts';
import { QueueSource } from './queue-source.ts';
import type { Tables } from './tables.ts';

export interface FanOutProps {
  tables: Tables;
  api: IWebSocketApi;
  media: Bucket;
  stageName: string;
  /** Batches of one shard at once. */
  parallelization: number;
  /** How many may run at once, kept free for it. */
  reservedConcurrency: number | undefined;
  environment: Record<string, string>;
}

export class FanOut extends Construct {
  /** Where ranges of a stream go that were given up. */
  readonly failures: Queue;
  private readonly delivering: readonly ImFunction[];

  constructor(scope: Construct, id: string, props: FanOutProps) {
    super(scope, id);
    const { tables, api, media, stageName, environment } = props;

    const timeout = Duration.seconds(60);
    const fanOut = new ImFunction(this, 'fan-out', {
      description: 'Writes pointers to the mailboxes of a message’s recipients and pushes to their devices',
      timeout,
      reservedConcurrency: props.reservedConcurrency,
      environment,
    })
      .useTable(tables, 'Users', 'UpdateItem', 'PutItem', 'DeleteItem')
      .useTable(tables, 'Messages', 'BatchGetItem')
      // Who is in a group, who looks at it, and when others hear of it.
      .useTable(tables, 'Conversations', 'BatchGetItem', 'GetItem', 'Query', 'UpdateItem', 'DeleteItem')
      .useTable(tables, 'OfflineQueue', 'UpdateItem')
      .useConnections(api, stageName, 'POST', 'DELETE')
      // Files that messages name are kept.
      .useBucket(media, { 'c/': ['DeleteObjectTagging'] });
    // What is too much for one invocation, or due later: each part is carried out, and tried again, by itself.
    const groupTasks = new ImFunction(this, 'group-tasks', {
      description: 'Does its part of what goes to a large group',
      // Ten times what it takes; a part that failed comes again after six times that.
      timeout: Duration.seconds(10),
      environment,
    })
      .useTable(tables, 'Users', 'BatchGetItem', 'UpdateItem', 'PutItem', 'DeleteItem')
      .useTable(tables, 'Messages', 'BatchGetItem')
      .useTable(tables, 'Conversations', 'BatchGetItem', 'Query', 'UpdateItem', 'DeleteItem')
      .useTable(tables, 'OfflineQueue', 'UpdateItem')
      .useConnections(api, stageName, 'POST', 'DELETE');
    const { queue } = new QueueSource(this, 'GroupTasks', { consumer: groupTasks, batchSize: 1 });
    this.delivering = [fanOut, groupTasks];
    for (const sender of this.delivering) sender.useQueue(queue, 'GROUP_TASKS_QUEUE_URL');

    this.failures = new Queue(this, 'Failures', {
      ...safeQueue(this),
      retentionPeriod: Duration.days(14),
    });
    acknowledge(this.failures, 'SQS3', 'Is where ranges of streams go that were given up: redriven by hand');

    // CDK declares optional members without `| undefined`, so that its own classes do not fit its own interfaces here.
    const messages = tables.get('Messages') as ITable;
    fanOut.function.addEventSource(
      new DynamoEventSource(messages, {
        startingPosition: StartingPosition.TRIM_HORIZON,
        batchSize: 100,
        parallelizationFactor: props.parallelization,
        reportBatchItemFailures: true,
        bisectBatchOnError: true,
        retryAttempts: 5,
        maxRecordAge: Duration.hours(1),
        onFailure: sendOnlyDestination(this.failures),
        // Inserted messages only: a void has no type, and updates (recall, edit) are told by control messages.
        filters: [
          FilterCriteria.filter({
            eventName: FilterRule.isEqual('INSERT'),
            dynamodb: {
              NewImage: {
                type: { S: FilterRule.exists() },
                [importedAttribute]: { BOOL: FilterRule.notExists() },
              },
            },
          }),
        ],
      }),
    );
  }
  /** Notes about devices that were pushed to, to see later whether they acknowledge it. */
  leaveNotesIn(queue: IQueue): void {
    for (const sender of this.delivering) sender.useQueue(queue, 'NOTIFICATIONS_QUEUE_URL');
  }
}
