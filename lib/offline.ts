// Devices that are away: entries of the offline queue, and notes of fan-out, wait in a queue until they are due; then the
// notifier looks at how things stand, and tells the device through its push service.
import { Duration } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { FilterCriteria, FilterRule, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { DynamoEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { IQueue, Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Config } from './config.ts';
import { ImFunction } from './im-function.ts';
import { sendOnlyDestination } from './on-failure.ts';
import { PushServices } from './push-services.ts';
import { QueueSource } from './queue-source.ts';
import type { Tables } from './tables.ts';

export interface OfflineProps {
  config: Config;
  tables: Tables;
  /** Where ranges of the stream go that nothing could be made of. */
  failures: Queue;
  environment: Record<string, string>;
}

export class Offline extends Construct {
  /** Whoever pushes leaves notes here about the devices that it pushed to. */
  readonly notifications: IQueue;

  constructor(scope: Construct, id: string, props: OfflineProps) {
    super(scope, id);
    const { config, tables, failures, environment } = props;

    const notify = new ImFunction(this, 'notify', {
      description: 'Tells devices that are away of what waits for them, unless they have it by then',
      timeout: Duration.seconds(20),
      environment,
    })
      .useTable(tables, 'Users', 'BatchGetItem', 'Query', 'UpdateItem', 'DeleteItem')
      .useTable(tables, 'Conversations', 'BatchGetItem', 'Query')
      .useTable(tables, 'Messages', 'BatchGetItem', 'GetItem', 'Query')
      .useTable(tables, 'OfflineQueue', 'BatchGetItem', 'UpdateItem', 'DeleteItem');
    new PushServices(this, 'Push', { config, notify });
    // However slow a push service is, it takes no more than this of what the account may run at once.
    const { queue } = new QueueSource(this, 'Notifications', {
      consumer: notify,
      maxConcurrency: config.notifierConcurrency,
    });
    this.notifications = queue;
    notify.useQueue(queue, 'NOTIFICATIONS_QUEUE_URL');

    const wake = new ImFunction(this, 'wake-notifier', {
      description: 'Has the notifier look later at each device that begins to be away from something',
      environment,
    }).useQueue(queue, 'NOTIFICATIONS_QUEUE_URL');
    // As in fan-out.ts: CDK's own classes do not fit its own interfaces here.
    const offlineQueue = tables.get('OfflineQueue') as ITable;
    wake.function.addEventSource(
      new DynamoEventSource(offlineQueue, {
        startingPosition: StartingPosition.TRIM_HORIZON,
        batchSize: 100,
        bisectBatchOnError: true,
        retryAttempts: 5,
        maxRecordAge: Duration.hours(1),
        onFailure: sendOnlyDestination(failures),
        // The first of what a device has not been told of; what comes on top is found when it is looked at.
        filters: [
          FilterCriteria.filter({
            eventName: FilterRule.or('INSERT', 'MODIFY'),
            dynamodb: { NewImage: { fresh: { N: FilterRule.isEqual('1') } } },
          }),
        ],
      }),
    );
  }
}
