// What an operator hooks in, where it is configured; else nothing is made, and nobody is asked.
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { Config } from './config.ts';
import type { ImFunction } from './im-function.ts';

export interface HooksProps {
  config: Config;
  /** They ask before they store. */
  asking: readonly ImFunction[];
}

export class Hooks extends Construct {
  constructor(scope: Construct, id: string, { config, asking }: HooksProps) {
    super(scope, id);
    const { beforeSendUrl, beforeSendFunction, beforeSendFailure } = config;
    if (beforeSendUrl === undefined && beforeSendFunction === undefined) return;
    const secret = beforeSendUrl === undefined ? undefined : this.makeSecret('BeforeSendSecret');
    for (const asker of asking) {
      asker.setVariable('BEFORE_SEND_FAILURE', beforeSendFailure);
      if (beforeSendFunction !== undefined) asker.useFunction(beforeSendFunction, 'BEFORE_SEND_FUNCTION');
      if (beforeSendUrl === undefined || !secret) continue;
      asker.setVariable('BEFORE_SEND_URL', beforeSendUrl);
      asker.useSecret(secret.secretArn, 'BEFORE_SEND_SECRET_ARN');
    }
  }

  private makeSecret(id: string): Secret {
    return new Secret(this, id, {
      description: 'Signs what is sent to the hook',
      generateSecretString: { passwordLength: 48, excludePunctuation: true },
    });
  }
}
