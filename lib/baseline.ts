// What holds for the whole stack, found from anywhere in it: handed down, it would be among the props of every construct.
import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

export interface Baseline {
  /** A key of the operator's own, for what is kept; else AWS's. */
  readonly key?: IKey;
  /** Functions write traces for X-Ray. */
  readonly tracing?: boolean;
}

const baselines = new WeakMap<Stack, Baseline>();

export function setBaseline(stack: Stack, baseline: Baseline): void {
  baselines.set(stack, baseline);
}

export function baselineOf(scope: Construct): Baseline {
  return baselines.get(Stack.of(scope)) ?? {};
}

/** Logs hold ids and addresses: after a month nobody needs them. */
export function logGroup(scope: Construct, id: string): LogGroup {
  const { key } = baselineOf(scope);
  return new LogGroup(scope, id, {
    retention: RetentionDays.ONE_MONTH,
    removalPolicy: RemovalPolicy.DESTROY,
    ...(key && { encryptionKey: key }),
  });
}

/** How each queue is kept and reached. */
export function safeQueue(scope: Construct): QueueProps {
  const { key } = baselineOf(scope);
  return {
    enforceSSL: true,
    ...(key
      ? { encryption: QueueEncryption.KMS, encryptionMasterKey: key }
      : { encryption: QueueEncryption.SQS_MANAGED }),
  };
}
