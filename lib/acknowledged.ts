// Why a finding of cdk-nag is right as it is: said where it arises, and listed by test/lib/baseline.test.ts.
import { Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

export function acknowledge(construct: IConstruct, rule: string, reason: string): void {
  Validations.of(construct).acknowledge({ id: `AwsSolutions-${rule}`, reason });
}

/** Of one resource with a `*` in a policy: others of the same role stay findings. */
export function acknowledgeWildcard(construct: IConstruct, arn: string, reason: string): void {
  acknowledge(construct, `IAM5[Resource::${written(Stack.of(construct).resolve(arn))}]`, reason);
}

/** An ARN as cdk-nag writes it: references in angle brackets. */
function written(value: unknown): string {
  if (typeof value === 'string') return value;
  const [name, argument] = Object.entries(value as Record<string, unknown>)[0]!;
  if (name === 'Ref') return `<${String(argument)}>`;
  if (name === 'Fn::GetAtt') return `<${(argument as string[]).join('.')}>`;
  if (name !== 'Fn::Join') throw new Error(`acknowledged.ts knows no ${name}`);
  const [separator, parts] = argument as [string, unknown[]];
  return parts.map(written).join(separator);
}
