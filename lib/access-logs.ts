// Access logs of a stage: who asked for what, and what came of it. No query, no header and no body: tokens are there.
import { ArnFormat, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { CfnAccount } from 'aws-cdk-lib/aws-apigateway';
import { CfnStage, type IStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledged.ts';
import { logGroup } from './baseline.ts';

const common = {
  requestId: '$context.requestId',
  time: '$context.requestTime',
  routeKey: '$context.routeKey',
  status: '$context.status',
  sourceIp: '$context.identity.sourceIp',
  integrationMs: '$context.integrationLatency',
  error: '$context.error.message',
  integrationError: '$context.integrationErrorMessage',
};

const formats = {
  WEBSOCKET: { ...common, eventType: '$context.eventType', connectionId: '$context.connectionId' },
  // Without the path, which names users; the caller is who signed.
  HTTP: { ...common, caller: '$context.identity.userArn' },
};

export function cfnStageOf(stage: IStage): CfnStage {
  const { defaultChild } = stage.node;
  if (!(defaultChild instanceof CfnStage)) throw new Error(`${stage.node.path} has no stage of its own`);
  return defaultChild;
}

/** @param scope holds the log group */
export function logAccess(scope: Construct, stage: CfnStage, protocol: keyof typeof formats): void {
  const { logGroupName } = logGroup(scope, 'AccessLogs');
  stage.accessLogSettings = {
    // Made of the name: API Gateway refuses the `:*` at the end of what CloudFormation calls a log group's ARN.
    destinationArn: Stack.of(scope).formatArn({
      service: 'logs',
      resource: 'log-group',
      resourceName: logGroupName,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    }),
    format: JSON.stringify(formats[protocol]),
  };
}

/**
 * The role that API Gateway writes logs of WebSocket APIs with: there is one for all APIs of an account in a region, so
 * that it stays when the stack goes.
 */
export class AccountLogRole extends Construct {
  readonly account: CfnAccount;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('apigateway.amazonaws.com') });
    role.addToPolicy(
      new PolicyStatement({
        actions: [
          'logs:CreateLogGroup',
          'logs:CreateLogStream',
          'logs:DescribeLogGroups',
          'logs:DescribeLogStreams',
          'logs:PutLogEvents',
          'logs:GetLogEvents',
          'logs:FilterLogEvents',
        ],
        resources: ['*'],
      }),
    );
    acknowledge(
      role,
      'IAM5[Resource::*]',
      'As AWS has this role: it writes the logs of all APIs of the account',
    );
    this.account = new CfnAccount(this, 'Account', { cloudWatchRoleArn: role.roleArn });
    role.applyRemovalPolicy(RemovalPolicy.RETAIN);
    this.account.applyRemovalPolicy(RemovalPolicy.RETAIN);
    this.account.node.addDependency(role);
  }
}
