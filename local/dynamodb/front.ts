// What functions take for DynamoDB: knows the caller, checks its role, injects faults, passes the request to the
// engine and meters what it cost.
import { setMaxListeners } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Item } from './capacity.ts';
import { refusal, send, type Answer } from './answers.ts';
import { conflictRefusal, conflictsOf } from './conflicts.ts';
import { accessesOf, isWrite, tableNameOf, type Access } from './requests.ts';
import { askForUnits, removeUnasked, unitsOf, type UnitsByTable } from './units.ts';
import { EngineClient } from './engines/client.ts';
import type { Engine } from './engines/endpoint.ts';
import { requestSite } from '../faults/sites.ts';
import type { Faults } from '../faults/faults.ts';
import type { Log } from '../log.ts';
import type { Metering } from '../metering.ts';
import { MidwayCrashes } from '../faults/midway-crashes.ts';
import type { CloudModel, TableModel } from '../model.ts';
import { isOfPage, parseObject, readBody, startServiceServer } from '../service-http.ts';
import type { FunctionRequest, Identities, Identity } from '../iam/roles.ts';

export interface DynamoDbFrontOptions {
  readonly model: CloudModel;
  readonly engine: Engine;
  readonly identities: Identities;
  readonly metering: Metering;
  readonly faults: Faults;
  readonly log: Log;
  readonly onRequest?: ((request: FunctionRequest) => void) | undefined;
  /** Something was written to this table (physical name); the answer is not sent yet. */
  onWrite(tableName: string): void;
  /** An armed environment has made its last request: it is to die without the answer. */
  onMidwayCrash(environmentId: string): void;
}

export interface DynamoDbFront {
  readonly url: string;
  /** The environment dies after this many more of its requests, each carried out (see MidwayCrashes). */
  armCrash(environmentId: string, requests: number): void;
  disarmCrash(environmentId: string): void;
  close(): Promise<void>;
}

type Json = Record<string, unknown>;

/** The network fails: the caller's connection breaks without an answer. */
const connectionLost = Symbol('connection lost');

const maximumRequestBytes = 16 * 1024 * 1024;

const throttled =
  'Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or index so please try again shortly. If exceptions persist, check if you have a hot key: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html';

export async function startDynamoDbFront(options: DynamoDbFrontOptions): Promise<DynamoDbFront> {
  const front = new Front(options);
  const server = await startServiceServer((request, response) => void front.serve(request, response));
  return {
    url: server.url,
    armCrash: (environmentId, requests) => front.crashes.arm(environmentId, requests),
    disarmCrash: (environmentId) => front.crashes.disarm(environmentId),
    async close() {
      front.close();
      await server.close();
    },
  };
}

class Front {
  readonly crashes: MidwayCrashes;
  private readonly options: DynamoDbFrontOptions;
  private readonly client: EngineClient;
  private readonly tables: ReadonlyMap<string, TableModel>;
  private readonly closing = new AbortController();

  constructor(options: DynamoDbFrontOptions) {
    this.options = options;
    // Each request that is delayed listens for the end.
    setMaxListeners(0, this.closing.signal);
    this.client = new EngineClient(options.engine.endpoint);
    this.tables = new Map(options.model.tables.map((table) => [table.tableName, table]));
    this.crashes = new MidwayCrashes(
      (environmentId) => options.onMidwayCrash(environmentId),
      this.closing.signal,
    );
  }

  close(): void {
    this.closing.abort();
    this.client.close();
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const answer = await this.handle(request);
      if (answer === connectionLost) response.destroy();
      else send(response, answer);
    } catch (error) {
      if (!this.closing.signal.aborted && !request.destroyed) {
        this.options.log.error(
          'dynamodb',
          error instanceof Error ? (error.stack ?? error.message) : String(error),
        );
      }
      response.destroy();
    }
  }

  private async handle(request: IncomingMessage): Promise<Answer | typeof connectionLost> {
    if (isOfPage(request)) return refusal('AccessDeniedException', 'Web pages have no access', 403);
    const text = await readBody(request, maximumRequestBytes);
    if (text === undefined) return refusal('ValidationException', 'Request too large', 413);
    if (!request.headers.authorization) {
      return refusal('MissingAuthenticationTokenException', 'Request is missing Authentication Token');
    }
    const identity = this.options.identities.identify(request.headers);
    if (!identity) {
      return refusal('UnrecognizedClientException', 'The security token included in the request is invalid.');
    }
    const target = String(request.headers['x-amz-target'] ?? '');
    const { method = '', url: path = '' } = request;
    this.options.onRequest?.({ functionName: identity.functionName, method, path, target, body: text });
    const operation = /^DynamoDB(?:Streams)?_20120810\.(\w+)$/.exec(target)?.[1];
    if (operation === undefined) return refusal('UnknownOperationException', '');
    const input = parseObject(text);
    if (!input) return refusal('SerializationException', '');
    const denial = this.denial(identity, operation, input);
    if (denial !== undefined) {
      this.options.log.warn(identity.functionName, denial);
      return refusal('AccessDeniedException', denial);
    }
    const last = await this.crashes.admit(identity.environmentId);
    try {
      const answer = await this.carryOut(identity, { target, operation, input });
      return last ? connectionLost : answer;
    } finally {
      last?.carriedOut();
    }
  }

  /** Why the caller's role does not let it do this, or undefined. */
  private denial(identity: Identity, operation: string, input: Json): string | undefined {
    for (const access of accessesOf(operation, input)) {
      const leadingKeys = this.leadingKeys(access);
      const verdict = this.options.identities.authorize(
        identity,
        access.action,
        this.resourceOf(access, input),
        leadingKeys.length > 0 ? { 'dynamodb:LeadingKeys': leadingKeys } : {},
      );
      if (!verdict.allowed) return verdict.message;
    }
    return undefined;
  }

  private resourceOf({ tableName, indexName }: Access, input: Json): string {
    if (tableName === undefined) return typeof input['StreamArn'] === 'string' ? input['StreamArn'] : '*';
    const { region, accountId } = this.options.model;
    const tableArn =
      this.tables.get(tableName)?.arn ?? `arn:aws:dynamodb:${region}:${accountId}:table/${tableName}`;
    return indexName === undefined ? tableArn : `${tableArn}/index/${indexName}`;
  }

  private leadingKeys({ tableName, items }: Access): string[] {
    const keySchema = this.tables.get(tableName ?? '')?.keySchema;
    const partitionKey = keySchema?.find(({ KeyType }) => KeyType === 'HASH')?.AttributeName;
    if (partitionKey === undefined) return [];
    const values = items.flatMap((item: Item) => Object.values(item[partitionKey] ?? {}));
    return values.filter((value): value is string => typeof value === 'string');
  }

  private async carryOut(
    identity: Identity,
    { target, operation, input }: { target: string; operation: string; input: Json },
  ): Promise<Answer | typeof connectionLost> {
    const { engine, faults } = this.options;
    const { functionName } = identity;
    const fault = faults.dynamodb(
      () => requestSite(functionName, operation, accessesOf(operation, input), this.tables),
      conflictsOf(operation),
    );
    if (fault.latencyMs > 0) await delay(fault.latencyMs, undefined, { signal: this.closing.signal });
    if (fault.throttle) return refusal('ThrottlingException', throttled);
    if (fault.error) return refusal('InternalServerError', 'Internal server error', 500);
    if (fault.conflict) return conflictRefusal(operation, input);

    const upstream = await this.client.forward(target, JSON.stringify(askForUnits(operation, input)));
    const output = parseObject(upstream.body) ?? {};
    const units = unitsOf(operation, input, { status: upstream.status, output }, engine.quirks);
    this.meter(identity, units);
    if (isWrite(operation) && upstream.status === 200) this.announceWrites(operation, input);

    if (fault.lostResponse) return connectionLost;
    const changed = removeUnasked(operation, input, output);
    return { status: upstream.status, body: changed ? JSON.stringify(output) : upstream.body };
  }

  private meter(identity: Identity, units: UnitsByTable): void {
    if (units.size === 0) return;
    const named = new Map([...units].map(([table, used]) => [this.tables.get(table)?.name ?? table, used]));
    this.options.metering.recordRequest({ functionName: identity.functionName, tables: named });
  }

  private announceWrites(operation: string, input: Json): void {
    const names = accessesOf(operation, input).map(({ tableName }) => tableNameOf(tableName ?? ''));
    for (const tableName of new Set(names)) this.options.onWrite(tableName);
  }
}
