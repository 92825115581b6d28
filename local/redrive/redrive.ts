// Failed ranges are read from their stream again and processed; what succeeds leaves the queue, what fails stays. The
// local cloud and AWS differ in where queue, stream and functions are, and in nothing else.
import { fittingCount } from '../event-source/limits.ts';
import { judge } from '../event-source/verdict.ts';
import { compileFilters } from '../event-source/filter.ts';
import type { EventSourceModel, InvocationResult } from '../model.ts';
import type { StreamRecord } from '../event-source/stream-record.ts';
import { narrow, parseFailedRange, type FailedRange } from './failed-range.ts';
import type { KeptMessage, RedriveReport } from './report.ts';
import { readRange, type Stream } from './stream-range.ts';

export interface QueuedMessage {
  readonly messageId: string;
  readonly body: string;
}

export interface FailureQueue<Message extends QueuedMessage> {
  /** What waits, each message once. */
  messages(): AsyncIterable<Message>;
  remove(message: Message): Promise<void>;
  /** A message with this body takes its place. */
  replace(message: Message, body: string): Promise<void>;
  /** Others may have it again. */
  release(message: Message): Promise<void>;
}

/** What of an event source mapping decides how a range is processed. */
export type Mapping = Pick<
  EventSourceModel,
  'functionName' | 'batchSize' | 'filters' | 'reportBatchItemFailures'
>;

export interface RedriveParts<Message extends QueuedMessage = QueuedMessage> {
  readonly queue: FailureQueue<Message>;
  readonly stream: Stream;
  /** `undefined`: there is none any more. */
  readonly mappingOf: (range: FailedRange) => Mapping | undefined;
  readonly invoke: (functionName: string, event: object) => Promise<InvocationResult>;
}

/** How far a range came; `reason` says why no further. A message whose range came a part of the way is replaced. */
interface Progress {
  readonly done: number;
  readonly left: readonly StreamRecord[];
  readonly reason?: string;
}

export async function redrive<Message extends QueuedMessage>(
  parts: RedriveParts<Message>,
): Promise<RedriveReport> {
  let redriven = 0;
  let records = 0;
  const kept: KeptMessage[] = [];
  const untouched: Message[] = [];
  for await (const message of parts.queue.messages()) {
    const range = parseFailedRange(message.body);
    const { done, reason } = await redriveMessage(parts, message, range);
    records += done;
    if (reason === undefined) {
      redriven += 1;
    } else {
      kept.push({ messageId: message.messageId, reason, ...range });
      if (done === 0) untouched.push(message);
    }
  }
  // Not before the end: a message that is given back at once would come again in this very run.
  for (const message of untouched) await parts.queue.release(message);
  return { redriven, records, moved: 0, kept };
}

/** One message that fails in whatever way keeps no other from its turn. */
async function redriveMessage<Message extends QueuedMessage>(
  parts: RedriveParts<Message>,
  message: Message,
  range: FailedRange | undefined,
): Promise<Progress> {
  if (!range) return stopped('it is not about a batch of a DynamoDB stream');
  const mapping = parts.mappingOf(range);
  if (!mapping) return stopped('no event source mapping reads this stream for this function');
  try {
    const read = await readRange(parts.stream, range);
    if (read.kind === 'trimmed') return stopped('trimmed: the stream no longer has these records');
    const passes = compileFilters(mapping.filters);
    const progress = await process(parts, mapping, read.records.filter(passes));
    if (progress.left.length === 0) await parts.queue.remove(message);
    else if (progress.done > 0) await parts.queue.replace(message, narrow(message.body, progress.left));
    return progress;
  } catch (error) {
    return stopped(String(error));
  }
}

function stopped(reason: string): Progress {
  return { done: 0, left: [], reason };
}

/** In order, batch by batch, up to the first failure. */
async function process<Message extends QueuedMessage>(
  { invoke }: RedriveParts<Message>,
  mapping: Mapping,
  records: readonly StreamRecord[],
): Promise<Progress> {
  for (let done = 0; done < records.length;) {
    const left = records.slice(done);
    const batch = left.slice(0, fittingCount(left, mapping.batchSize));
    const result = await invoke(mapping.functionName, { Records: batch });
    const verdict = judge(mapping, batch, result);
    switch (verdict.kind) {
      case 'succeeded':
        done += batch.length;
        break;
      case 'failedFrom':
        done += verdict.index;
        return { done, left: records.slice(done), reason: `${mapping.functionName} reported a failure` };
      case 'failed':
      case 'throttled':
        return { done, left, reason: describe(mapping, result) };
    }
  }
  return { done: records.length, left: [] };
}

function describe({ functionName }: Mapping, result: InvocationResult): string {
  if (result.outcome === 'returned') return `${functionName} answered what is no partial batch response`;
  return `${functionName} failed (${result.outcome}): ${result.errorMessage}`;
}
