// What event source mappings have in common, whatever their source.
import type { FunctionModel } from '../model.ts';
import type { Resource } from './resources.ts';

export function enabledMappings(resources: readonly Resource[]): Resource[] {
  return resources.filter(
    ({ type, properties }) => type === 'AWS::Lambda::EventSourceMapping' && properties['Enabled'] !== false,
  );
}

export function isQueueArn(arn: string): boolean {
  return arn.startsWith('arn:aws:sqs:');
}

export function targetOf(
  { properties, constructPath }: Resource,
  functions: readonly FunctionModel[],
): FunctionModel {
  const name = String(properties['FunctionName']);
  const target = functions.find(({ functionName, arn }) => [functionName, arn].includes(name));
  if (!target) throw new Error(`No function ${name} (${constructPath})`);
  return target;
}

export function filtersOf({
  FilterCriteria,
}: {
  FilterCriteria?: { Filters?: { Pattern: string }[] };
}): Record<string, unknown>[] {
  return (FilterCriteria?.Filters ?? []).map(({ Pattern }) => JSON.parse(Pattern) as Record<string, unknown>);
}
