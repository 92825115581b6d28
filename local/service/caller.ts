// The app's own backend, as the local cloud knows it: an IAM user with credentials of this run, and with the policies
// that the template makes for who calls from outside.
import { randomBytes } from 'node:crypto';
import { compile, evaluate, type Authorization } from '../iam/roles.ts';
import type { CloudModel } from '../model.ts';

export interface ServiceCaller {
  readonly arn: string;
  readonly accountId: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** May this one call the URL of that function? Lambda asks for two actions. */
  mayInvoke(functionArn: string): Authorization;
}

type CallerModel = Pick<CloudModel, 'accountId' | 'managedPolicies'>;

export function createServiceCaller({ accountId, managedPolicies }: CallerModel): ServiceCaller {
  const arn = `arn:aws:iam::${accountId}:user/app-backend`;
  const statements = managedPolicies.flatMap(({ statements: those }) => those.map(compile));
  const asked = [
    { action: 'lambda:InvokeFunctionUrl', context: { 'lambda:FunctionUrlAuthType': 'AWS_IAM' } },
    { action: 'lambda:InvokeFunction', context: { 'lambda:InvokedViaFunctionUrl': 'true' } },
  ] as const;
  return {
    arn,
    accountId,
    accessKeyId: `AKIA${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64'),
    mayInvoke(functionArn) {
      const verdicts = asked.map(({ action, context }) =>
        evaluate(statements, arn, { action, resourceArn: functionArn, context }),
      );
      return verdicts.find(({ allowed }) => !allowed) ?? { allowed: true };
    },
  };
}
