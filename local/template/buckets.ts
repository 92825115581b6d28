// Buckets: who may come from a web page, and what goes after a while.
import type { BucketModel, CorsRule, LifecycleRule } from '../model.ts';
import { shortName, type Resource } from './resources.ts';

interface BucketProperties {
  CorsConfiguration?: { CorsRules: CorsDeclaration[] };
  LifecycleConfiguration?: { Rules: LifecycleDeclaration[] };
}

interface CorsDeclaration {
  AllowedHeaders?: string[];
  AllowedMethods: string[];
  AllowedOrigins: string[];
  ExposedHeaders?: string[];
  MaxAge?: number;
}

interface LifecycleDeclaration {
  ExpirationInDays?: number;
  Id?: string;
  Prefix?: string;
  Status: string;
  TagFilters?: { Key: string; Value: string }[];
}

const knownOfRules: ReadonlySet<string> = new Set([
  'ExpirationInDays',
  'Id',
  'Prefix',
  'Status',
  'TagFilters',
] satisfies (keyof LifecycleDeclaration)[]);

export function modelBuckets(resources: readonly Resource[]): BucketModel[] {
  return resources
    .filter(({ type }) => type === 'AWS::S3::Bucket')
    .map(({ constructPath, ref, attributes, properties }) => {
      const { CorsConfiguration, LifecycleConfiguration } = properties as BucketProperties;
      return {
        name: shortName(constructPath),
        bucketName: ref,
        arn: attributes['Arn']!,
        cors: (CorsConfiguration?.CorsRules ?? []).map(corsRule),
        lifecycle: (LifecycleConfiguration?.Rules ?? []).flatMap((rule) =>
          lifecycleRules(rule, constructPath),
        ),
      };
    });
}

function corsRule(declared: CorsDeclaration): CorsRule {
  return {
    allowedOrigins: declared.AllowedOrigins,
    allowedHeaders: declared.AllowedHeaders ?? [],
    allowedMethods: declared.AllowedMethods,
    exposedHeaders: declared.ExposedHeaders ?? [],
    ...(declared.MaxAge !== undefined && { maxAgeSeconds: declared.MaxAge }),
  };
}

/** None, of a rule that is switched off. */
function lifecycleRules(declared: LifecycleDeclaration, path: string): LifecycleRule[] {
  const unknown = Object.keys(declared).find((name) => !knownOfRules.has(name));
  if (unknown || declared.ExpirationInDays === undefined) {
    throw new Error(`The local cloud does not know such a lifecycle rule: ${unknown ?? 'no end'} (${path})`);
  }
  if (declared.Status !== 'Enabled') return [];
  return [
    {
      prefix: declared.Prefix ?? '',
      tags: Object.fromEntries((declared.TagFilters ?? []).map(({ Key, Value }) => [Key, Value])),
      expirationDays: declared.ExpirationInDays,
    },
  ];
}
