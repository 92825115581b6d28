// The push services that the notifier may use: their addresses, their secrets, and the right to use them.
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledged.ts';
import type { Config } from './config.ts';
import type { ImFunction } from './im-function.ts';

export interface PushServicesProps {
  config: Config;
  notify: ImFunction;
}

export class PushServices extends Construct {
  constructor(scope: Construct, id: string, { config, notify }: PushServicesProps) {
    super(scope, id);
    const { pushWebhookUrl, pushWebPush, pushApns, pushFcm, pushSns } = config;
    if (pushWebhookUrl !== undefined) {
      const secret = new Secret(this, 'WebhookSecret', {
        description: 'Signs what is sent to the webhook',
        generateSecretString: { passwordLength: 48, excludePunctuation: true },
      });
      acknowledge(secret, 'SMG4', 'The endpoint has it, too: whoever changes it changes it there');
      notify.setVariable('PUSH_WEBHOOK_URL', pushWebhookUrl);
      notify.useSecret(secret.secretArn, 'PUSH_WEBHOOK_SECRET_ARN');
    }
    if (pushWebPush !== undefined) notify.useSecret(pushWebPush, 'PUSH_WEB_PUSH_SECRET_ARN');
    if (pushApns !== undefined) notify.useSecret(pushApns, 'PUSH_APNS_SECRET_ARN');
    if (pushFcm !== undefined) notify.useSecret(pushFcm, 'PUSH_FCM_SECRET_ARN');
    const applications = Object.values(pushSns ?? {});
    if (applications.length > 0)
      notify.setVariable('PUSH_SNS', JSON.stringify(pushSns)).usePlatformApplications(applications);
  }
}
