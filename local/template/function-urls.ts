// Function URLs, and the policies of those who may call them.
import type { FunctionModel, FunctionUrlModel, ManagedPolicyModel } from '../model.ts';
import { modelStatements, type PolicyDocument } from './functions.ts';
import { shortName, type Resource } from './resources.ts';

export function modelFunctionUrls(
  resources: readonly Resource[],
  functions: readonly FunctionModel[],
): FunctionUrlModel[] {
  return resources
    .filter(({ type }) => type === 'AWS::Lambda::Url')
    .map(({ properties, attributes, constructPath }) => {
      const { AuthType, TargetFunctionArn } = properties;
      if (AuthType !== 'AWS_IAM') {
        throw new Error(`The local cloud serves function URLs with AWS_IAM only (${constructPath})`);
      }
      const target = functions.find(({ arn }) => arn === TargetFunctionArn);
      if (!target) throw new Error(`No function ${String(TargetFunctionArn)} (${constructPath})`);
      const domainName = new URL(attributes['FunctionUrl']!).hostname;
      return { functionName: target.name, functionArn: target.arn, domainName };
    });
}

export function modelManagedPolicies(resources: readonly Resource[]): ManagedPolicyModel[] {
  return resources
    .filter(({ type }) => type === 'AWS::IAM::ManagedPolicy')
    .map(({ properties, constructPath }) => ({
      name: shortName(constructPath),
      statements: modelStatements(properties['PolicyDocument'] as PolicyDocument, constructPath),
    }));
}
