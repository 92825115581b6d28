// Dead letters go back to the queue that gave them up: there their function tries them again, as often as the first time.
import type { FailureQueue, QueuedMessage } from './redrive.ts';
import type { KeptMessage, RedriveReport } from './report.ts';

export interface DeadLetter extends QueuedMessage {
  /** ARN of the queue that gave it up, if that is known. */
  readonly sourceArn?: string | undefined;
}

export interface DeadLetterParts<Message extends DeadLetter = DeadLetter> {
  readonly queue: Pick<FailureQueue<Message>, 'messages' | 'remove' | 'release'>;
  /** ARNs of the queues that give up to this one. */
  readonly sourceArns: readonly string[];
  readonly send: (queueArn: string, body: string) => Promise<void>;
}

export async function moveBack<Message extends DeadLetter>(
  parts: DeadLetterParts<Message>,
): Promise<RedriveReport> {
  let moved = 0;
  const kept: KeptMessage[] = [];
  const untouched: Message[] = [];
  for await (const message of parts.queue.messages()) {
    const reason = await moveOne(parts, message);
    if (reason === undefined) {
      moved += 1;
    } else {
      kept.push({ messageId: message.messageId, reason });
      untouched.push(message);
    }
  }
  // Not before the end: a message that is given back at once would come again in this very run.
  for (const message of untouched) await parts.queue.release(message);
  return { redriven: 0, records: 0, moved, kept };
}

/** First the new message, then the end of the old one: whoever dies in between leaves two, and none is lost. */
async function moveOne<Message extends DeadLetter>(
  { queue, sourceArns, send }: DeadLetterParts<Message>,
  message: Message,
): Promise<string | undefined> {
  const { sourceArn = onlyOf(sourceArns), body } = message;
  if (sourceArn === undefined)
    return 'several queues give up to this one, and which it came from is not known';
  if (!sourceArns.includes(sourceArn))
    return `${sourceArn}, which gave it up, does not give up to this queue`;
  try {
    await send(sourceArn, body);
    await queue.remove(message);
    return undefined;
  } catch (error) {
    return String(error);
  }
}

function onlyOf(sourceArns: readonly string[]): string | undefined {
  return sourceArns.length === 1 ? sourceArns[0] : undefined;
}
