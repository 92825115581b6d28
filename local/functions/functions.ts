// Lambda: invokes functions, each in as many execution environments as it has events at the same time.
import { randomUUID } from 'node:crypto';
import type { EnvironmentCounts } from '../activity.ts';
import { lambdaVariables } from './variables.ts';
import { createConcurrency, type Concurrency } from './concurrency.ts';
import { Environment, exitResult } from './environment.ts';
import { describeOtherRuntime } from './runtime.ts';
import { invocationSite } from '../faults/sites.ts';
import type { Faults } from '../faults/faults.ts';
import type { Log } from '../log.ts';
import type { Metering } from '../metering.ts';
import type { CloudModel, FunctionModel, InvocationResult, Invoke } from '../model.ts';
import type { Identities } from '../iam/roles.ts';

/** Lambda allows a thousand; on a laptop a thread costs some 10 MB, and more of them than cores gain nothing. */
const defaultMaxEnvironments = 10;
const maximumEventBytes = 6 * 1024 * 1024;

export interface ServiceEndpoints {
  readonly dynamodb: string;
  readonly connections: string;
  readonly sqs: string;
  readonly secretsManager: string;
  readonly eventBridge: string;
  readonly s3: string;
  /** Of the local cloud alone: where a notifier tells what became of its notifications. */
  readonly notifications: string;
}

export interface FunctionsOptions {
  readonly model: CloudModel;
  readonly identities: Pick<Identities, 'credentialsFor' | 'forget'>;
  readonly metering: Pick<Metering, 'recordInvocation'>;
  readonly faults: Pick<Faults, 'lambda'>;
  readonly log: Log;
  /** Where the SDK finds the services. */
  readonly endpoints: ServiceEndpoints;
  /** Values over those of the template. */
  readonly environmentOverrides?: Readonly<Record<string, string>>;
  /** Per function; further events wait. */
  readonly maxEnvironments?: number;
  /** Of all functions together; further events are throttled. Without limit if absent. */
  readonly accountConcurrency?: number;
  /** Where the fault `crashMidway` is left to: whoever sees the environment's requests crashes it after one of them. */
  readonly midwayCrashes?: {
    arm(environmentId: string, requests: number): void;
    disarm(environmentId: string): void;
  };
}

export interface Functions {
  readonly invoke: Invoke;
  /** The environment dies now, whatever it is doing. */
  crashEnvironment(environmentId: string): void;
  /** By function name. */
  environments(): Readonly<Record<string, EnvironmentCounts>>;
  close(): Promise<void>;
}

export function startFunctions(options: FunctionsOptions): Functions {
  const concurrency = createConcurrency(options.accountConcurrency ?? Infinity);
  const otherRuntime = describeOtherRuntime(options.model.functions, process.versions.node);
  if (otherRuntime) options.log.warn('functions', otherRuntime);
  const pools = new Map(
    options.model.functions.map((definition) => [
      definition.name,
      new Pool(definition, options, concurrency),
    ]),
  );
  return {
    async invoke(functionName, event) {
      const pool = pools.get(functionName);
      if (!pool) throw new Error(`No function is called ${functionName}`);
      return await pool.invoke(event);
    },
    crashEnvironment(environmentId) {
      for (const pool of pools.values()) pool.crash(environmentId);
    },
    environments: () => Object.fromEntries([...pools].map(([name, pool]) => [name, pool.counts()])),
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.close()));
    },
  };
}

/** The environments of one function. */
class Pool {
  private readonly definition: FunctionModel;
  private readonly options: FunctionsOptions;
  private readonly concurrency: Concurrency;
  private readonly environments = new Set<Environment>();
  private readonly idle: Environment[] = [];
  private readonly waiting: (() => void)[] = [];
  private readonly underWay = new Set<Promise<unknown>>();
  private busy = 0;
  private created = 0;
  private closed = false;

  constructor(definition: FunctionModel, options: FunctionsOptions, concurrency: Concurrency) {
    this.definition = definition;
    this.options = options;
    this.concurrency = concurrency;
  }

  async invoke(event: unknown): Promise<InvocationResult> {
    const payload = JSON.stringify(event);
    if (Buffer.byteLength(payload) > maximumEventBytes) return tooLarge;
    const { reservedConcurrency = Infinity } = this.definition;
    if (this.busy + this.waiting.length >= reservedConcurrency) return this.throttle();
    if (!this.concurrency.take()) return this.throttle();

    const invocation = this.invokeInTurn(payload);
    this.underWay.add(invocation);
    try {
      return await invocation;
    } finally {
      this.underWay.delete(invocation);
      this.concurrency.giveBack();
    }
  }

  crash(environmentId: string): void {
    for (const environment of this.environments)
      if (environment.id === environmentId) void this.discard(environment);
  }

  counts(): EnvironmentCounts {
    const idle = this.idle.length;
    return { busy: this.environments.size - idle, idle };
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.environments].map((environment) => this.discard(environment)));
    await Promise.all(this.underWay);
  }

  private async invokeInTurn(payload: string): Promise<InvocationResult> {
    const { maxEnvironments = defaultMaxEnvironments } = this.options;
    if (this.busy >= maxEnvironments) await new Promise<void>((go) => this.waiting.push(go));
    else this.busy += 1;
    try {
      return await this.invokeNow(payload);
    } finally {
      // The turn passes to who waits longest; `busy` falls when nobody does.
      const next = this.waiting.shift();
      if (next) next();
      else this.busy -= 1;
    }
  }

  private async invokeNow(payload: string): Promise<InvocationResult> {
    const requestId = randomUUID();
    if (this.closed) return exitResult(requestId, 'signal: killed');
    const startedAt = performance.now();
    const warm = this.idle.pop();
    const environment = warm ?? this.createEnvironment();
    const started = warm ? ready : await this.coldStart(environment, requestId);
    const result = started.outcome === 'returned' ? await this.run(environment, requestId, payload) : started;

    if (environment.alive) this.idle.push(environment);
    else await this.discard(environment);
    this.options.metering.recordInvocation(this.definition.name, {
      // Lambda bills whole milliseconds, the init included.
      durationMs: Math.ceil(performance.now() - startedAt),
      coldStart: !warm,
      outcome: result.outcome,
    });
    if (result.outcome !== 'returned') this.logFailure(result, requestId);
    return result;
  }

  private async coldStart(environment: Environment, requestId: string): Promise<InvocationResult> {
    const { result, initMs } = await environment.start(requestId);
    this.options.log.info(this.definition.name, 'cold start', { initMs: Math.round(initMs) });
    return result;
  }

  private async run(environment: Environment, requestId: string, payload: string): Promise<InvocationResult> {
    const { faults, midwayCrashes } = this.options;
    const fault = faults.lambda(() => invocationSite(this.definition.name, JSON.parse(payload)));
    switch (fault.kind) {
      case 'none':
        return await environment.handle(requestId, payload);
      case 'crashMidway': {
        midwayCrashes?.arm(environment.id, fault.afterRequests);
        const result = await environment.handle(requestId, payload);
        midwayCrashes?.disarm(environment.id);
        return result;
      }
      case 'crashAfter':
        await environment.handle(requestId, payload);
        break;
      case 'crashBefore':
    }
    await environment.kill();
    return exitResult(requestId, 'signal: killed');
  }

  private createEnvironment(): Environment {
    const { model, identities, endpoints, environmentOverrides, log } = this.options;
    const { definition } = this;
    this.created += 1;
    const id = `${definition.name}-${this.created}`;
    const credentials = identities.credentialsFor(definition.name, id);
    const environment = new Environment({
      id,
      definition,
      log,
      variables: {
        ...lambdaVariables(definition, model.region),
        ...definition.environment,
        ...environmentOverrides,
        AWS_LAMBDA_LOG_STREAM_NAME: id,
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
        AWS_SESSION_TOKEN: credentials.sessionToken,
        AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
        AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: endpoints.connections,
        AWS_ENDPOINT_URL_SQS: endpoints.sqs,
        AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoints.secretsManager,
        AWS_ENDPOINT_URL_S3: endpoints.s3,
        AWS_ENDPOINT_URL_EVENTBRIDGE: endpoints.eventBridge,
        NOTIFICATION_JOURNAL_URL: endpoints.notifications,
      },
    });
    this.environments.add(environment);
    return environment;
  }

  private async discard(environment: Environment): Promise<void> {
    this.environments.delete(environment);
    const index = this.idle.indexOf(environment);
    if (index !== -1) this.idle.splice(index, 1);
    this.options.identities.forget(environment.id);
    await environment.kill();
  }

  private throttle(): InvocationResult {
    const { metering } = this.options;
    metering.recordInvocation(this.definition.name, {
      durationMs: 0,
      coldStart: false,
      outcome: 'throttled',
    });
    return { outcome: 'throttled', errorType: 'TooManyRequestsException', errorMessage: 'Rate Exceeded.' };
  }

  private logFailure(result: Exclude<InvocationResult, { outcome: 'returned' }>, requestId: string): void {
    const { outcome, errorType, errorMessage } = result;
    // What a handler throws was logged with its trace when it happened.
    if (outcome !== 'error')
      this.options.log.warn(this.definition.name, errorMessage, { errorType, requestId });
  }
}

const ready: InvocationResult = { outcome: 'returned', payload: null };

const tooLarge: InvocationResult = {
  outcome: 'error',
  errorType: 'RequestTooLargeException',
  errorMessage: `Request must be smaller than ${maximumEventBytes} bytes for the InvokeFunction operation`,
};
