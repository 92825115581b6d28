// What the local cloud runs: the synthesized template with every reference resolved, in plain types.

export interface CloudModel {
  readonly stackName: string;
  readonly region: string;
  readonly accountId: string;
  readonly tables: readonly TableModel[];
  readonly functions: readonly FunctionModel[];
  readonly api: ApiModel;
  readonly eventSources: readonly EventSourceModel[];
  readonly queueSources: readonly QueueSourceModel[];
  readonly queues: readonly QueueModel[];
  readonly secrets: readonly SecretModel[];
  readonly buckets: readonly BucketModel[];
  readonly httpApi: HttpApiModel | undefined;
  /** For who calls from outside. */
  readonly managedPolicies: readonly ManagedPolicyModel[];
}

export interface TableModel {
  /** Last name of the construct path, e.g. `Messages`: what people read in metrics and logs. */
  readonly name: string;
  /** The physical name that functions find in their environment. */
  readonly tableName: string;
  readonly arn: string;
  readonly keySchema: readonly { AttributeName: string; KeyType: 'HASH' | 'RANGE' }[];
  readonly attributeDefinitions: readonly { AttributeName: string; AttributeType: 'S' | 'N' | 'B' }[];
  /** Global secondary ones. */
  readonly indexes: readonly {
    readonly IndexName: string;
    readonly KeySchema: TableModel['keySchema'];
    readonly Projection: object;
  }[];
  readonly ttlAttribute?: string;
  readonly stream?: { readonly viewType: string; readonly arn: string };
}

export interface FunctionModel {
  /** Construct id, e.g. `fan-out`. */
  readonly name: string;
  readonly functionName: string;
  readonly arn: string;
  /** Absolute path of the module that the asset holds, and the name of its export. */
  readonly modulePath: string;
  readonly exportName: string;
  /** `nodejs24.x` and the like. */
  readonly runtime: string;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly reservedConcurrency?: number;
  readonly role: { readonly name: string; readonly statements: readonly PolicyStatement[] };
}

export interface PolicyStatement {
  readonly effect: 'Allow' | 'Deny';
  readonly actions: readonly string[];
  /** ARNs, `*` and `?` as wildcards. */
  readonly resources: readonly string[];
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

export interface ApiModel {
  readonly apiId: string;
  readonly stageName: string;
  readonly routeSelectionExpression: string;
  readonly stageVariables?: Readonly<Record<string, string>>;
  readonly routes: readonly RouteModel[];
}

export interface RouteModel {
  /** `$connect`, `$disconnect`, `$default`, or what the route selection expression yields. */
  readonly routeKey: string;
  /** Name of the function behind it (FunctionModel.name). */
  readonly functionName: string;
  /** Two-way: what the function returns goes back to the client. */
  readonly returnsResponse: boolean;
  /** The function's resource policy lets this route invoke it (AWS::Lambda::Permission). */
  readonly mayInvoke: boolean;
  /** Absent: the most that API Gateway waits, 29 s. */
  readonly integrationTimeoutMs?: number;
  readonly authorizer?: AuthorizerModel;
  /** The route's own, or else that of the stage's default. */
  readonly throttle?: ThrottleModel;
}

export interface ThrottleModel {
  readonly ratePerSecond: number;
  readonly burstLimit: number;
}

export interface AuthorizerModel {
  readonly functionName: string;
  readonly identitySources: readonly string[];
  readonly mayInvoke: boolean;
}

export interface EventSourceModel {
  readonly id: string;
  readonly tableName: string;
  readonly functionName: string;
  readonly batchSize: number;
  readonly batchingWindowMs: number;
  readonly parallelizationFactor: number;
  readonly bisectOnError: boolean;
  readonly reportBatchItemFailures: boolean;
  /** -1: until the record expires. */
  readonly maximumRetryAttempts: number;
  /** -1: no limit. */
  readonly maximumRecordAgeMs: number;
  readonly startingPosition: 'TRIM_HORIZON' | 'LATEST';
  /** JSON patterns, OR'd. */
  readonly filters: readonly Readonly<Record<string, unknown>>[];
  /** ARN of the on-failure destination. */
  readonly onFailureArn?: string;
}

/** A queue that invokes a function. */
export interface QueueSourceModel {
  readonly id: string;
  readonly queueArn: string;
  readonly functionName: string;
  readonly batchSize: number;
  readonly batchingWindowMs: number;
  readonly reportBatchItemFailures: boolean;
  /** Of batches at the same time. */
  readonly maximumConcurrency?: number;
  /** JSON patterns, OR'd. */
  readonly filters: readonly Readonly<Record<string, unknown>>[];
}

export interface QueueModel {
  readonly name: string;
  readonly queueName: string;
  readonly arn: string;
  readonly url: string;
  readonly visibilityTimeoutMs: number;
  /** Of messages that name no delay of their own. */
  readonly delayMs: number;
  readonly retentionMs: number;
  readonly maximumMessageBytes: number;
  readonly redrive?: { readonly deadLetterArn: string; readonly maxReceiveCount: number };
}

export interface SecretModel {
  readonly name: string;
  readonly secretName: string;
  readonly arn: string;
  readonly source: SecretSource;
}

export type SecretSource =
  | { readonly kind: 'given'; readonly value: string }
  | { readonly kind: 'generated'; readonly password: PasswordModel; readonly placedIn?: SecretTemplate };

/** What a generated password is made of. */
export interface PasswordModel {
  readonly length: number;
  /** Characters of each kind that may occur. */
  readonly alphabets: readonly string[];
  readonly requireEachAlphabet: boolean;
}

/** The password is one more key of this object. */
export interface SecretTemplate {
  readonly content: Readonly<Record<string, unknown>>;
  readonly key: string;
}

/** What is called over HTTPS, by who signs for it. */
export interface HttpApiModel {
  readonly apiId: string;
  /** `<id>.execute-api.<region>.amazonaws.com` */
  readonly domainName: string;
  /** Of its stage: policies name `<arn>/METHOD/path`. */
  readonly arn: string;
  readonly routes: readonly HttpRouteModel[];
}

export interface HttpRouteModel {
  /** `POST /v1/users/{userId}/kick`, or `$default`. */
  readonly routeKey: string;
  readonly functionName: string;
  /** The function's resource policy lets this route invoke it (AWS::Lambda::Permission). */
  readonly mayInvoke: boolean;
}

export interface ManagedPolicyModel {
  readonly name: string;
  readonly statements: readonly PolicyStatement[];
}

export interface BucketModel {
  readonly name: string;
  readonly bucketName: string;
  readonly arn: string;
  readonly cors: readonly CorsRule[];
  readonly lifecycle: readonly LifecycleRule[];
}

export interface CorsRule {
  /** `*` is a wildcard in these. */
  readonly allowedOrigins: readonly string[];
  readonly allowedHeaders: readonly string[];
  readonly allowedMethods: readonly string[];
  readonly exposedHeaders: readonly string[];
  readonly maxAgeSeconds?: number;
}

/** Objects whose key begins so, and that have all these tags, go after so many days. */
export interface LifecycleRule {
  readonly prefix: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly expirationDays: number;
}

/** What an invocation came to. */
export type InvocationResult =
  | { readonly outcome: 'returned'; readonly payload: unknown }
  | {
      readonly outcome: 'error' | 'timeout' | 'crash' | 'throttled';
      readonly errorType: string;
      readonly errorMessage: string;
    };

export type Invoke = (functionName: string, event: unknown) => Promise<InvocationResult>;
