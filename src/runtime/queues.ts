// Sends to SQS. Its own client would be 22 KB in every bundle: a signed request is all that it comes to.
import { setTimeout as delay } from 'node:timers/promises';
import { required } from './environment.ts';
import { createSignedPost, isTransient, type Answer, type SignedPost } from './signed-post.ts';

export interface QueueMessage {
  readonly body: string;
  /** 0–900; the queue's own delay if absent. */
  readonly delaySeconds?: number;
}

export interface Queue {
  /** Resolves when SQS has all of them. @throws Error when some were not taken: those that were come twice then. */
  send(messages: readonly QueueMessage[]): Promise<void>;
}

interface Entry {
  readonly Id: string;
  readonly MessageBody: string;
  readonly DelaySeconds?: number;
}

interface BatchAnswer {
  readonly Failed?: readonly { Id: string; Code: string; Message?: string; SenderFault: boolean }[];
}

/** What one request may hold. */
const MAX_ENTRIES = 10;
const MAX_BYTES = 1024 * 1024;
const MAX_ATTEMPTS = 4;
const REQUEST_TIMEOUT_MS = 3_000;
const BACK_OFF = { baseMs: 50, maxMs: 1_000 };

/** `urlVariable` names the environment variable that holds the queue's URL. */
export function createQueue(urlVariable: string): Queue {
  const url = required(urlVariable);
  const post = createSignedPost({
    service: 'sqs',
    url,
    endpointVariable: 'AWS_ENDPOINT_URL_SQS',
    headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.SendMessageBatch' },
    timeoutMs: REQUEST_TIMEOUT_MS,
  });
  return {
    async send(messages) {
      await Promise.all(batchesOf(messages).map((batch) => sendBatch(post, url, batch)));
    },
  };
}

/** As few as the limits of a request allow. */
function batchesOf(messages: readonly QueueMessage[]): Entry[][] {
  const batches: Entry[][] = [];
  let sizeBytes = 0;
  for (const { body, delaySeconds } of messages) {
    const bodyBytes = Buffer.byteLength(body);
    const last = batches.at(-1);
    const fits = last !== undefined && last.length < MAX_ENTRIES && sizeBytes + bodyBytes <= MAX_BYTES;
    const batch = fits ? last : [];
    if (!fits) batches.push(batch);
    sizeBytes = fits ? sizeBytes + bodyBytes : bodyBytes;
    batch.push({
      Id: String(batch.length),
      MessageBody: body,
      ...(delaySeconds !== undefined && { DelaySeconds: delaySeconds }),
    });
  }
  return batches;
}

/** Entries that SQS failed at are sent again, and so are all when it answers nothing of use; refused ones are not. */
async function sendBatch(post: SignedPost, url: string, batch: readonly Entry[]): Promise<void> {
  let entries = batch;
  for (let attempt = 1; ; attempt += 1) {
    const problem = await tryOnce(post, url, entries);
    if (!problem) return;
    if (problem.isFinal || attempt === MAX_ATTEMPTS) throw problem.error;
    entries = problem.entries;
    await delay(Math.random() * Math.min(BACK_OFF.maxMs, BACK_OFF.baseMs * 2 ** attempt));
  }
}

interface Problem {
  readonly error: Error;
  /** Trying again would come to the same. */
  readonly isFinal: boolean;
  readonly entries: readonly Entry[];
}

async function tryOnce(
  post: SignedPost,
  url: string,
  entries: readonly Entry[],
): Promise<Problem | undefined> {
  let answer: Answer;
  try {
    answer = await post(JSON.stringify({ QueueUrl: url, Entries: entries }));
  } catch (cause) {
    return { error: new Error('SQS did not answer', { cause }), isFinal: false, entries };
  }
  const { status, body } = answer;
  if (status !== 200) {
    const error = new Error(`SQS refused a batch: ${status} ${body}`);
    return { error, isFinal: !isTransient(answer), entries };
  }
  const { Failed: failed = [] } = JSON.parse(body) as BatchAnswer;
  if (failed.length === 0) return undefined;
  const failedIds = new Set(failed.map(({ Id }) => Id));
  return {
    error: new Error(`SQS did not take ${failed.length} of ${entries.length}: ${JSON.stringify(failed[0])}`),
    isFinal: failed.some(({ SenderFault }) => SenderFault),
    entries: entries.filter(({ Id }) => failedIds.has(Id)),
  };
}
