// What SQS takes for a message, and for a batch of them: docs.aws.amazon.com, "Amazon SQS message quotas".
import type { QueueModel } from '../model.ts';
import { refusal, type Answer } from './answers.ts';

/** A message as a function gives it, not looked at yet: any part may be of another type, or missing. */
export interface MessageInput {
  readonly Id?: string;
  readonly MessageBody?: string;
  readonly DelaySeconds?: number;
}

export type Problem = { readonly code: string; readonly message: string };

const maximumEntries = 10;
const maximumBatchBytes = 1024 * 1024;
const maximumDelaySeconds = 900;

/** Half a surrogate pair, and control characters other than tab, line feed and carriage return. */
// oxlint-disable-next-line no-control-regex
const forbiddenCharacters = /[^\u0009\u000A\u000D\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;

const knownFields = new Set(['Id', 'QueueUrl', 'MessageBody', 'DelaySeconds']);

/** Why a message is not taken, or undefined. */
export function problemOf(input: MessageInput, { maximumMessageBytes }: QueueModel): Problem | undefined {
  const { MessageBody: body, DelaySeconds: delay = 0 } = input;
  const unknown = Object.keys(input).find((field) => !knownFields.has(field));
  if (unknown) return invalid(`The local cloud does not know ${unknown} of a message.`);
  if (typeof body !== 'string' || body === '') {
    return { code: 'MissingParameter', message: 'The request must contain the parameter MessageBody.' };
  }
  if (Buffer.byteLength(body) > maximumMessageBytes) {
    return invalid(
      `One or more parameters are invalid. Reason: Message must be shorter than ${maximumMessageBytes} bytes.`,
    );
  }
  if (forbiddenCharacters.test(body)) {
    return {
      code: 'InvalidMessageContents',
      message:
        'Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF',
    };
  }
  if (!Number.isInteger(delay) || delay < 0 || delay > maximumDelaySeconds) {
    return invalid(
      `Value ${String(delay)} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= ${maximumDelaySeconds}.`,
    );
  }
  return undefined;
}

/** Why a whole batch is not taken, or undefined. */
export function batchRefusal(entries: readonly MessageInput[]): Answer | undefined {
  if (entries.length === 0) {
    return batchError(
      'EmptyBatchRequest',
      'There should be at least one SendMessageBatchRequestEntry in the request.',
    );
  }
  if (entries.length > maximumEntries) {
    return batchError(
      'TooManyEntriesInBatchRequest',
      `Maximum number of entries per request are ${maximumEntries}. You have sent ${entries.length}.`,
    );
  }
  const ids = entries.map(({ Id }) => Id);
  if (!ids.every((id) => typeof id === 'string' && /^[\w-]{1,80}$/.test(id))) {
    return batchError(
      'InvalidBatchEntryId',
      'A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.',
    );
  }
  const repeated = ids.find((id, index) => ids.indexOf(id) !== index);
  if (repeated !== undefined) return batchError('BatchEntryIdsNotDistinct', `Id ${repeated} repeated.`);
  const sizes = entries.map(({ MessageBody: body }) =>
    typeof body === 'string' ? Buffer.byteLength(body) : 0,
  );
  const sizeBytes = sizes.reduce((sum, size) => sum + size, 0);
  if (sizeBytes > maximumBatchBytes) {
    return batchError(
      'BatchRequestTooLong',
      `Batch requests cannot be longer than ${maximumBatchBytes} bytes. You have sent ${sizeBytes} bytes.`,
    );
  }
  return undefined;
}

function invalid(message: string): Problem {
  return { code: 'InvalidParameterValue', message };
}

function batchError(name: string, message: string): Answer {
  return refusal(name, message, `AWS.SimpleQueueService.${name}`);
}
