// A queue that invokes a function, and where its messages go when they fail again and again.
import { Duration } from 'aws-cdk-lib';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { safeQueue } from './baseline.ts';
import type { ImFunction, QueueConsumption } from './im-function.ts';

export interface QueueSourceProps extends QueueConsumption {
  consumer: ImFunction;
  /** Deliveries before a message goes to the dead letters; AWS recommends five at least. */
  maxReceiveCount?: number;
}

/** Named by its id: `<id>` and `<id>DeadLetters` are what people read in metrics. */
export class QueueSource extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, props: QueueSourceProps) {
    super(scope, id);
    const { consumer, maxReceiveCount = 5, ...consumption } = props;
    const safe = safeQueue(this);
    this.deadLetters = new Queue(this, `${id}DeadLetters`, { ...safe, retentionPeriod: Duration.days(14) });
    this.queue = new Queue(this, 'Queue', {
      ...safe,
      // As AWS recommends: time for Lambda to try again while the function is throttled.
      visibilityTimeout: Duration.seconds(6 * consumer.function.timeout!.toSeconds()),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount },
    });
    consumer.consumeQueue(this.queue, consumption);
  }
}
