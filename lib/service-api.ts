// The service API, for the app's own backend: a function with a URL, which Lambda lets nobody call but who signs for it
// and has the policy. A function URL costs nothing beside its invocations; an HTTP API would cost a dollar a million.
import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import type { IWebSocketApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { ImFunction } from './im-function.ts';
import type { Tables } from './tables.ts';

export interface ServiceApiProps {
  tables: Tables;
  api: IWebSocketApi;
  stageName: string;
  environment: Record<string, string>;
}

export class ServiceApi extends Construct {
  constructor(scope: Construct, id: string, { tables, api, stageName, environment }: ServiceApiProps) {
    super(scope, id);
    const service = new ImFunction(this, 'service', {
      description: 'Answers the app’s own backend',
      timeout: Duration.seconds(30),
      environment,
    })
      .useTable(
        tables,
        'Users',
        'BatchGetItem',
        'GetItem',
        'PutItem',
        'Query',
        'UpdateItem',
        'ConditionCheckItem',
      )
      .useTable(tables, 'Conversations', 'BatchGetItem', 'PutItem', 'Query', 'UpdateItem')
      .useTable(tables, 'Messages', 'PutItem', 'Query')
      .useConnections(api, stageName, 'POST', 'DELETE');
    const { url } = service.function.addFunctionUrl({ authType: FunctionUrlAuthType.AWS_IAM });

    const { functionArn } = service.function;
    const callers = new ManagedPolicy(this, 'Callers', {
      description: 'May call the service API of serverless-im',
      statements: [
        new PolicyStatement({ actions: ['lambda:InvokeFunctionUrl'], resources: [functionArn] }),
        // Lambda asks for both; this one opens nothing but the URL.
        new PolicyStatement({
          actions: ['lambda:InvokeFunction'],
          resources: [functionArn],
          conditions: { Bool: { 'lambda:InvokedViaFunctionUrl': 'true' } },
        }),
      ],
    });
    const stack = Stack.of(this);
    new CfnOutput(stack, 'ServiceUrl', { value: url, description: 'Where the app’s own backend calls' });
    new CfnOutput(stack, 'ServiceCallersPolicy', {
      value: callers.managedPolicyArn,
      description: 'The policy to attach to the role of the app’s own backend',
    });
  }
}
