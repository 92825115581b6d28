// What an operator hooks in, where it is configured; else nothing is made, and nobody is asked or told.
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledged.ts';
import { AfterSend } from './after-send.ts';
import type { Config } from './config.ts';
import type { ImFunction } from './im-function.ts';
import type { Tables } from './tables.ts';

export interface HooksProps {
  config: Config;
  /** They ask before they store. */
  asking: readonly ImFunction[];
  tables: Tables;
  /** Where ranges of the stream go that were given up. */
  failures: Queue;
  environment: Record<string, string>;
}

export class Hooks extends Construct {
  constructor(scope: Construct, id: string, props: HooksProps) {
    super(scope, id);
    const { config, asking } = props;
    const { beforeSendUrl, beforeSendFunction, beforeSendFailure, afterSendUrl, afterSendBus } = config;
    const secret = beforeSendUrl === undefined ? undefined : this.makeSecret('BeforeSendSecret');
    if (beforeSendUrl !== undefined || beforeSendFunction !== undefined) {
      for (const asker of asking) {
        asker.setVariable('BEFORE_SEND_FAILURE', beforeSendFailure);
        if (beforeSendFunction !== undefined) asker.useFunction(beforeSendFunction, 'BEFORE_SEND_FUNCTION');
        if (beforeSendUrl === undefined || !secret) continue;
        asker.setVariable('BEFORE_SEND_URL', beforeSendUrl);
        asker.useSecret(secret.secretArn, 'BEFORE_SEND_SECRET_ARN');
      }
    }
    if (afterSendUrl === undefined && afterSendBus === undefined) return;
    const { telling } = new AfterSend(this, 'AfterSend', props);
    if (afterSendBus !== undefined) telling.useEventBus(afterSendBus, 'AFTER_SEND_BUS');
    if (afterSendUrl === undefined) return;
    telling.setVariable('AFTER_SEND_URL', afterSendUrl);
    telling.useSecret(this.makeSecret('AfterSendSecret').secretArn, 'AFTER_SEND_SECRET_ARN');
  }

  private makeSecret(id: string): Secret {
    const secret = new Secret(this, id, {
      description: 'Signs what is sent to the hook',
      generateSecretString: { passwordLength: 48, excludePunctuation: true },
    });
    acknowledge(secret, 'SMG4', 'The endpoint has it, too: whoever changes it changes it there');
    return secret;
  }
}
