// What is broadcast, on its way: lanes in a queue, and the function that sends.
import { Duration } from 'aws-cdk-lib';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { ImFunction } from './im-function.ts';
import { QueueSource } from './queue-source.ts';
import type { Tables } from './tables.ts';

export interface BroadcastsProps {
  tables: Tables;
  environment: Record<string, string>;
}

export class Broadcasts extends Construct {
  /** Where lanes wait to be run. */
  readonly lanes: IQueue;

  constructor(scope: Construct, id: string, { tables, environment }: BroadcastsProps) {
    super(scope, id);
    const broadcast = new ImFunction(this, 'broadcast', {
      description: 'Sends what is broadcast',
      // Three times what it goes on; a lane that failed comes again after six times that.
      timeout: Duration.seconds(60),
      continuesItself: true,
      environment,
    })
      .useTable(tables, 'Users', 'BatchGetItem', 'PutItem', 'ConditionCheckItem')
      .useIndex(tables, 'Users')
      .useTable(tables, 'Conversations', 'BatchGetItem', 'GetItem', 'PutItem', 'UpdateItem')
      .useTable(tables, 'Messages', 'PutItem');
    const { queue } = new QueueSource(this, 'BroadcastLanes', { consumer: broadcast, batchSize: 1 });
    broadcast.useQueue(queue, 'BROADCAST_LANES_QUEUE_URL');
    this.lanes = queue;
  }
}
