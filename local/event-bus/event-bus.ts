// What functions take for EventBridge: knows the caller, checks its role, and keeps the last events of each bus.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FunctionRequest, Identities } from '../iam/roles.ts';
import type { Log } from '../log.ts';
import type { CloudModel } from '../model.ts';
import { isOfPage, parseObject, readBody, startServiceServer } from '../service-http.ts';

export interface EventBusOptions {
  readonly model: Pick<CloudModel, 'region' | 'accountId'>;
  readonly identities: Pick<Identities, 'identify' | 'authorize'>;
  readonly log: Log;
  readonly onRequest?: ((request: FunctionRequest) => void) | undefined;
}

export interface BusEvent {
  readonly id: string;
  readonly bus: string;
  readonly source: string;
  readonly detailType: string;
  readonly detail: unknown;
}

export interface EventBus {
  readonly url: string;
  /** The last 1,000, oldest first. */
  events(): readonly BusEvent[];
  close(): Promise<void>;
}

type Entry = Readonly<Partial<Record<'EventBusName' | 'Source' | 'DetailType' | 'Detail', string>>>;
interface Answer {
  readonly status: number;
  readonly body: object;
}

const maximumEvents = 1_000;
const maximumEntries = 10;
/** Of all entries of a request: docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html */
const maximumEntryBytes = 256 * 1024;
/** Those, each character escaped. */
const maximumRequestBytes = 2 * 1024 * 1024;

export async function startEventBus(options: EventBusOptions): Promise<EventBus> {
  const events: BusEvent[] = [];
  const server = await startServiceServer((request, response) => {
    answer(request, options, events).then(
      (result) => write(response, result),
      (error: unknown) => {
        if (!request.destroyed) options.log.error('event-bus', String(error));
        response.destroy();
      },
    );
  });
  return { url: server.url, events: () => events, close: () => server.close() };
}

async function answer(
  request: IncomingMessage,
  { model, identities, log, onRequest }: EventBusOptions,
  events: BusEvent[],
): Promise<Answer> {
  if (isOfPage(request)) return refusal('AccessDeniedException', 'Web pages have no access');
  const body = await readBody(request, maximumRequestBytes);
  if (body === undefined) return refusal('ValidationException', 'Request too large');
  if (!request.headers.authorization) {
    return refusal('MissingAuthenticationTokenException', 'Request is missing Authentication Token');
  }
  const identity = identities.identify(request.headers);
  if (!identity) {
    return refusal('UnrecognizedClientException', 'The security token included in the request is invalid.');
  }
  const target = String(request.headers['x-amz-target'] ?? '');
  const { method = '', url: path = '' } = request;
  onRequest?.({ functionName: identity.functionName, method, path, target, body });
  if (target !== 'AWSEvents.PutEvents') {
    return refusal('UnknownOperationException', `The local cloud knows AWSEvents.PutEvents, not ${target}`);
  }
  const entries = parseObject(body)?.['Entries'] as readonly Entry[] | undefined;
  if (!Array.isArray(entries) || entries.length === 0 || entries.length > maximumEntries) {
    return refusal('ValidationException', `Entries must have 1 to ${maximumEntries}`);
  }
  if (entries.reduce((sum, entry) => sum + bytesOf(entry), 0) > maximumEntryBytes) {
    return refusal('ValidationException', 'Total size of the entries in the request is over the limit.');
  }
  for (const { EventBusName: bus } of entries) {
    const verdict = identities.authorize(identity, 'events:PutEvents', arnOf(bus ?? 'default', model));
    if (verdict.allowed) continue;
    log.warn(identity.functionName, verdict.message);
    return refusal('AccessDeniedException', verdict.message);
  }
  const results = entries.map((entry) => keep(entry, events));
  events.splice(0, events.length - maximumEvents);
  const FailedEntryCount = results.filter((result) => 'ErrorCode' in result).length;
  return { status: 200, body: { FailedEntryCount, Entries: results } };
}

function keep({ EventBusName, Source, DetailType, Detail }: Entry, events: BusEvent[]): object {
  const detail = parseObject(Detail ?? '');
  if (!Source || !DetailType || !detail) {
    return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
  }
  const id = randomUUID();
  events.push({
    id,
    bus: EventBusName ?? 'default',
    source: Source,
    detailType: DetailType,
    detail,
  });
  return { EventId: id };
}

/** Time, where it is given, counts 14. */
function bytesOf({ Source, DetailType, Detail }: Entry): number {
  return [Source, DetailType, Detail].reduce((sum, part) => sum + Buffer.byteLength(part ?? ''), 14);
}

function arnOf(bus: string, { region, accountId }: EventBusOptions['model']): string {
  return bus.startsWith('arn:') ? bus : `arn:aws:events:${region}:${accountId}:event-bus/${bus}`;
}

function refusal(name: string, message: string): Answer {
  return { status: 400, body: { __type: name, message } };
}

function write(response: ServerResponse, { status, body }: Answer): void {
  const content = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/x-amz-json-1.1',
    'content-length': Buffer.byteLength(content),
    'x-amzn-requestid': randomUUID(),
  });
  response.end(content);
}
