// The stage configuration: the only reader of CDK context, validated before anything is made from it.
import type { Node } from 'constructs';
import * as v from 'valibot';
import { settingsSchema, type Settings } from '../src/core/settings.ts';
import { tableDefinitions, type TableName } from '../src/core/tables.ts';
import { clientFrames } from '../src/protocol/client-frames.ts';
import { platforms } from '../src/protocol/ids.ts';
import { serializeOrigin } from '../src/protocol/origins.ts';

/** `-c key=value` arrives as a string: objects are given as JSON. */
const json = <const Schema extends v.GenericSchema>(schema: Schema) =>
  v.pipe(
    v.unknown(),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      if (typeof dataset.value !== 'string') return dataset.value;
      try {
        return JSON.parse(dataset.value) as unknown;
      } catch {
        addIssue({ message: `is no JSON: ${dataset.value.slice(0, 100)}` });
        return NEVER;
      }
    }),
    schema,
  );

const origins = v.pipe(
  v.union([v.string(), v.array(v.string())]),
  v.transform((value) => (typeof value === 'string' ? value.split(',').map((part) => part.trim()) : value)),
  v.array(
    v.pipe(
      v.string(),
      v.rawTransform(({ dataset: { value }, addIssue, NEVER }) => {
        const origin = serializeOrigin(value);
        if (origin !== undefined) return origin;
        addIssue({
          message: `"${value}" is no origin: give scheme, host and port, as https://chat.example.com`,
        });
        return NEVER;
      }),
    ),
  ),
);

const throttle = v.strictObject({
  /** Messages a second, on average. */
  rateLimit: v.pipe(v.number(), v.minValue(1)),
  /** At once. */
  burstLimit: v.pipe(v.number(), v.integer(), v.minValue(1)),
});

const onOrOff = v.pipe(
  v.union([v.boolean(), v.picklist(['true', 'false'])]),
  v.transform((value) => String(value) === 'true'),
);

const arnOf = (service: string) =>
  v.pipe(v.string(), v.regex(new RegExp(`^arn:[a-z-]+:${service}:\\S+$`), `must be an ARN of ${service}`));

const webhookUrl = v.pipe(
  v.string(),
  v.regex(
    /^(https:\/\/|http:\/\/(127\.0\.0\.1|localhost)[:/])\S+$/,
    'must be an https URL (http only for 127.0.0.1)',
  ),
);

const platformApplicationArn = v.pipe(
  v.string(),
  v.regex(
    /^arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:app\/(APNS|APNS_SANDBOX|GCM)\/[\w.-]+$/,
    'must be the ARN of a platform application of APNS, APNS_SANDBOX or GCM',
  ),
);

const routeKeys = [...Object.keys(clientFrames), '$connect', '$disconnect', '$default'] as const;
const tableNames = Object.keys(tableDefinitions) as [TableName, ...TableName[]];

/** Below the account's quotas for a region (10,000 a second, bursts of 5,000, shared by all its APIs). */
const defaultThrottle = { rateLimit: 5_000, burstLimit: 2_500 };
/** As many new connections a second as the account may open. */
const defaultRouteThrottles = { $connect: { rateLimit: 500, burstLimit: 500 } };

/** A backend asks less often than its users do; and leaves them what the account has. */
const defaultServiceThrottle = { rateLimit: 1_000, burstLimit: 500 };

const configSchema = v.strictObject({
  /** Name of the API stage and suffix of the stack: letters, digits and dashes. */
  stage: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9-]{1,32}$/)), 'dev'),
  /** Origins that browsers may connect from, e.g. `https://chat.example.com`; none = no browser. */
  allowedOrigins: v.optional(origins, []),
  /** The claim that names the user. */
  userClaim: v.optional(v.pipe(v.string(), v.nonEmpty()), 'sub'),
  /** A token that is good for longer counts as ending so long after it was issued. */
  maxTokenHours: v.optional(
    v.pipe(v.union([v.number(), v.string()]), v.transform(Number), v.finite(), v.gtValue(0)),
    24,
  ),
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
  /** So many of `fan-out` at once, kept free of what else runs in the account, and no more; none: as many as are free. */
  fanOutReservedConcurrency: v.optional(
    v.pipe(v.union([v.number(), v.string()]), v.transform(Number), v.integer(), v.minValue(1)),
  ),
  /** Batches of ten notes about devices that are away that the notifier has at once: what a slow push service may take of the account. */
  notifierConcurrency: v.optional(
    v.pipe(
      v.union([v.number(), v.string()]),
      v.transform(Number),
      v.integer(),
      v.minValue(2),
      v.maxValue(1_000),
    ),
    50,
  ),
  /** The ARN of a key that tables, queues, files and logs are encrypted with; else AWS's own (docs/operations.md). */
  kmsKey: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/, 'must be the ARN of a key, not of an alias'),
    ),
  ),
  /** Make the role that API Gateway logs with, one for the account (docs/operations.md). */
  accountLogRole: v.optional(onOrOff, false),
  /** Who is mailed when an alarm goes off. */
  alarmEmail: v.optional(v.pipe(v.string(), v.email('must be an address of mail'))),
  /** Have functions write traces for X-Ray. */
  tracing: v.optional(onOrOff, false),
  /** What each route of the service API takes, of all callers together. */
  serviceThrottle: v.optional(json(throttle), defaultServiceThrottle),
  /** What each route of the stage takes, for all clients together; above it API Gateway refuses. */
  throttle: v.optional(json(throttle), defaultThrottle),
  /** Routes that take less, or more, by route key: `{"send":{"rateLimit":500,"burstLimit":200}}`. */
  routeThrottles: v.optional(
    json(v.record(v.picklist(routeKeys, `must be one of ${routeKeys.join(', ')}`), throttle)),
    defaultRouteThrottles,
  ),
  /** Names of tables that are there already, to be taken over (docs/operations.md); else CloudFormation makes names. */
  tableNames: v.optional(json(v.strictObject(v.entriesFromList(tableNames, v.optional(v.string())))), {}),
  /** Deviations from the domain's defaults (src/core/settings.ts). */
  settings: v.optional(json(v.partial(settingsSchema)), {}),
  /** Short for the setting of this name: a number, or one for each platform as JSON. */
  devicesPerPlatform: v.optional(json(settingsSchema.entries.devicesPerPlatform)),
  /** Short for the setting of this name: only contacts may begin conversations, and add to groups. */
  contactsOnly: v.optional(onOrOff),
  /** Where notifications are posted to; `http://` on this machine only. */
  pushWebhookUrl: v.optional(webhookUrl),
  /** The ARN of a secret that holds the VAPID key (docs/notifications.md). */
  pushWebPush: v.optional(arnOf('secretsmanager')),
  /** The ARN of a secret that holds a key for Apple's push service. */
  pushApns: v.optional(arnOf('secretsmanager')),
  /** The ARN of a secret that holds the key of a Firebase project's service account. */
  pushFcm: v.optional(arnOf('secretsmanager')),
  /** SNS' platform applications: `{"ios":"arn:aws:sns:…:app/APNS/chat","android":"arn:aws:sns:…:app/GCM/chat"}`. */
  pushSns: v.optional(
    json(v.record(v.picklist(platforms, `must be one of ${platforms.join(', ')}`), platformApplicationArn)),
  ),
  /** Who is asked before messages of users are stored (docs/hooks.md): a URL, or a Lambda function. */
  beforeSendUrl: v.optional(webhookUrl),
  beforeSendFunction: v.optional(arnOf('lambda')),
  /** When it does not answer: the message passes, or is refused for now. */
  beforeSendFailure: v.optional(v.picklist(['open', 'closed']), 'open'),
  /** Who is told of each message that was stored (docs/hooks.md): a URL, or an event bus by its name or ARN. */
  afterSendUrl: v.optional(webhookUrl),
  afterSendBus: v.optional(
    v.pipe(
      v.string(),
      v.regex(
        /^(arn:[a-z-]+:events:[a-z0-9-]+:\d{12}:event-bus\/)?[\w./-]{1,256}$/,
        'must be the name or the ARN of an event bus',
      ),
    ),
  ),
  /** How long a message is tried to be told, in minutes; streams keep a day, and giving up has to come before. */
  afterSendMaxAgeMinutes: v.optional(
    v.pipe(
      v.union([v.number(), v.string()]),
      v.transform(Number),
      v.integer(),
      v.minValue(1),
      v.maxValue(1_380),
    ),
    720,
  ),
  /** A name of one's own that clients connect to, e.g. `chat.example.com`; with the certificate for it. */
  domainName: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^(?=.{1,253}$)([a-z0-9-]{1,63}\.)+[a-z]{2,63}$/, 'must be a host name in lower case'),
    ),
  ),
  /** In the region of the stack, wherever it is managed. */
  certificateArn: v.optional(arnOf('acm')),
  /** Deploy the web chat, too: a bucket behind CloudFront. */
  webChat: v.optional(onOrOff, false),
  /** Delete the tables with the stack. For stages that hold nothing worth keeping. */
  disposable: v.optional(onOrOff, false),
});

export type Config = Omit<
  v.InferOutput<typeof configSchema>,
  'contactsOnly' | 'devicesPerPlatform' | 'settings'
> & {
  readonly settings: Partial<Settings>;
};
export type Throttle = v.InferOutput<typeof throttle>;

/** A context value that is wrong or unknown: `message` is one line that names each. */
export class ConfigError extends Error {}

/** CDK's own keys have colons, slashes or an @. */
const isOurs = (key: string) => !/[:/@]/.test(key);

/** @throws ConfigError */
export function readConfig(node: Node): Config {
  const all = node.getAllContext() as Record<string, unknown>;
  const context = Object.fromEntries(
    Object.entries(all).filter(([key, value]) => isOurs(key) && value !== undefined),
  );
  const result = v.safeParse(configSchema, context);
  if (!result.success)
    throw new ConfigError(`configuration: ${result.issues.map((issue) => describe(issue)).join('; ')}`);
  const { contactsOnly, devicesPerPlatform, settings, ...config } = result.output;
  if ((config.domainName === undefined) !== (config.certificateArn === undefined)) {
    throw new ConfigError('configuration: domainName and certificateArn: one needs the other');
  }
  if (config.beforeSendUrl !== undefined && config.beforeSendFunction !== undefined)
    throw new ConfigError(
      'configuration: beforeSendFunction: there is beforeSendUrl already, give one of them',
    );
  if (config.afterSendUrl !== undefined && config.afterSendBus !== undefined)
    throw new ConfigError('configuration: afterSendBus: there is afterSendUrl already, give one of them');
  return {
    ...config,
    settings: {
      ...settings,
      ...(devicesPerPlatform !== undefined && { devicesPerPlatform }),
      ...(contactsOnly !== undefined && { contactsOnly }),
    } as Partial<Settings>,
  };
}

function describe(issue: v.BaseIssue<unknown>, parent = ''): string {
  const field = [parent, v.getDotPath(issue)].filter(Boolean).join('.') || 'context';
  // Of a union, the alternative that was nearly met says more than that none was.
  const nearly = issue.type === 'union' && issue.issues?.find(({ path }) => path !== undefined);
  if (nearly) return describe(nearly, field);
  if (issue.type === 'strict_object' && issue.expected === 'never')
    return `${field}: there is no such setting`;
  return `${field}: ${issue.message}`;
}
