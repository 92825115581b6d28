// The stage configuration: the only reader of CDK context, validated before anything is made from it.
import type { Node } from 'constructs';
import * as v from 'valibot';
import { settingsSchema, type Settings } from '../src/core/settings.ts';

const stringList = v.pipe(
  v.union([v.string(), v.array(v.string())]),
  v.transform((value) => (typeof value === 'string' ? value.split(',').map((part) => part.trim()) : value)),
  v.array(v.pipe(v.string(), v.nonEmpty())),
);

/** `-c key=value` arrives as a string: JSON objects are parsed. */
const settings = v.pipe(
  v.union([v.pipe(v.string(), v.parseJson()), v.record(v.string(), v.unknown())]),
  v.partial(settingsSchema),
);

const configSchema = v.object({
  /** Name of the API stage and suffix of the stack: letters, digits and dashes. */
  stage: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9-]{1,32}$/)), 'dev'),
  /** Origins that browsers may connect from, e.g. `https://chat.example.com`; none = no browser. */
  allowedOrigins: v.optional(stringList, []),
  /** `iss` and `aud` that tokens must carry; not checked when absent. */
  tokenIssuer: v.optional(v.string()),
  tokenAudience: v.optional(v.string()),
  /**
   * Batches of one stream shard that fan out at once, 1–10. At 1 a mailbox keeps the order of each conversation and
   * bursts are bundled; above it Lambda keeps the order of single items only (docs/decisions/0002).
   */
  fanOutParallelization: v.optional(
    v.pipe(
      v.union([v.number(), v.string()]),
      v.transform(Number),
      v.integer(),
      v.minValue(1),
      v.maxValue(10),
    ),
    1,
  ),
  /** Deviations from the domain's defaults (src/core/settings.ts). */
  settings: v.optional(settings, {}),
  /** Delete the tables with the stack. For stages that hold nothing worth keeping. */
  disposable: v.optional(
    v.pipe(
      v.union([v.boolean(), v.picklist(['true', 'false'])]),
      v.transform((value) => String(value) === 'true'),
    ),
    false,
  ),
});

export type Config = v.InferOutput<typeof configSchema> & { settings: Partial<Settings> };

/** @throws Error that names each context value that is wrong, and why. */
export function readConfig(node: Node): Config {
  const context = Object.fromEntries(
    Object.keys(configSchema.entries)
      .map((key) => [key, node.tryGetContext(key) as unknown])
      .filter(([, value]) => value !== undefined),
  );
  const result = v.safeParse(configSchema, context);
  if (result.success) return result.output as Config;
  const problems = result.issues.map((issue) => `${v.getDotPath(issue) ?? 'context'}: ${issue.message}`);
  throw new Error(`Wrong CDK context.\n  ${problems.join('\n  ')}`);
}
