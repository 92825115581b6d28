// Exports of what users may see, in a queue, and the function that writes them.
import { Duration } from 'aws-cdk-lib';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { EXPORTS_PREFIX } from '../src/core/media/keys.ts';
import { ImFunction } from './im-function.ts';
import { QueueSource } from './queue-source.ts';
import type { Tables } from './tables.ts';

export interface ExportsProps {
  tables: Tables;
  media: Bucket;
  environment: Record<string, string>;
}

export class Exports extends Construct {
  readonly queue: IQueue;

  constructor(scope: Construct, id: string, { tables, media, environment }: ExportsProps) {
    super(scope, id);
    const writer = new ImFunction(this, 'export', {
      description: 'Writes what users may see into files, a file at a time',
      // Three times what it goes on; what failed comes again after six times that.
      timeout: Duration.seconds(60),
      continuesItself: true,
      environment,
    })
      .useTable(tables, 'Users', 'BatchGetItem', 'GetItem', 'Query', 'UpdateItem')
      .useTable(tables, 'Conversations', 'BatchGetItem', 'GetItem')
      .useTable(tables, 'Messages', 'Query')
      .useBucket(media, { [EXPORTS_PREFIX]: ['PutObject'] }, { isToldOfMissing: false });
    const { queue } = new QueueSource(this, 'ExportsToDo', { consumer: writer, batchSize: 1 });
    writer.useQueue(queue, 'EXPORTS_QUEUE_URL');
    this.queue = queue;
  }
}
