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
  /** May this one call the route? `<api>/$default/METHOD/path` */
  mayInvoke(routeArn: string): Authorization;
}

type CallerModel = Pick<CloudModel, 'accountId' | 'managedPolicies'>;

export function createServiceCaller({ accountId, managedPolicies }: CallerModel): ServiceCaller {
  const arn = `arn:aws:iam::${accountId}:user/app-backend`;
  const statements = managedPolicies.flatMap(({ statements: those }) => those.map(compile));
  return {
    arn,
    accountId,
    accessKeyId: `AKIA${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64'),
    mayInvoke: (resourceArn) =>
      evaluate(statements, arn, { action: 'execute-api:Invoke', resourceArn, context: {} }),
  };
}
