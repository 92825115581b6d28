// Where the batches of a stream go that were given up.
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IEventSourceDlq } from 'aws-cdk-lib/aws-lambda';
import type { Queue } from 'aws-cdk-lib/aws-sqs';

/** As CDK's SqsDlq, which also grants to read the queue's attributes: Lambda only sends. */
export function sendOnlyDestination(queue: Queue): IEventSourceDlq {
  return {
    bind(_mapping, target) {
      target.addToRolePolicy(
        new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [queue.queueArn] }),
      );
      return { destination: queue.queueArn };
    },
  };
}
