// Users who are to be erased, in a queue, and the function that does it.
import { Duration } from 'aws-cdk-lib';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { EXPORTS_PREFIX } from '../src/core/media/keys.ts';
import { ImFunction } from './im-function.ts';
import { QueueSource } from './queue-source.ts';
import type { Tables } from './tables.ts';

export interface ErasuresProps {
  tables: Tables;
  media: Bucket;
  environment: Record<string, string>;
}

export class Erasures extends Construct {
  readonly queue: IQueue;

  constructor(scope: Construct, id: string, { tables, media, environment }: ErasuresProps) {
    super(scope, id);
    const erase = new ImFunction(this, 'erase', {
      description: 'Erases users, bit by bit',
      // Three times what it goes on; what failed comes again after six times that.
      timeout: Duration.seconds(60),
      continuesItself: true,
      environment,
    })
      .useTable(tables, 'Users', 'BatchGetItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem', 'DeleteItem')
      .useTable(
        tables,
        'Conversations',
        'BatchGetItem',
        'GetItem',
        'PutItem',
        'Query',
        'UpdateItem',
        'DeleteItem',
      )
      .useTable(tables, 'Messages', 'PutItem', 'Query', 'UpdateItem')
      .useTable(tables, 'OfflineQueue', 'Query', 'DeleteItem')
      .useBucket(
        media,
        { 'c/': ['DeleteObject'], 'p/': ['DeleteObject'], [EXPORTS_PREFIX]: ['DeleteObject'] },
        { isToldOfMissing: false },
      );
    const { queue } = new QueueSource(this, 'ErasuresToDo', { consumer: erase, batchSize: 1 });
    erase.useQueue(queue, 'ERASURES_QUEUE_URL');
    this.queue = queue;
  }
}
