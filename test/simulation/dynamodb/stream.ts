// The stream of a table, with new images: what Lambda would be given, in the order of the writes.
import type { Item } from './attribute-values.ts';

export interface StreamRecord {
  readonly eventName: 'INSERT' | 'MODIFY' | 'REMOVE';
  readonly Keys: Item;
  readonly NewImage?: Item;
  readonly SequenceNumber: string;
  /** Epoch seconds. */
  readonly ApproximateCreationDateTime: number;
  /** Of what TTL removed. */
  readonly userIdentity?: { readonly type: 'Service'; readonly principalId: 'dynamodb.amazonaws.com' };
}

export interface Change {
  readonly keys: Item;
  readonly before: Item | undefined;
  readonly after: Item | undefined;
  readonly author: 'ttl' | undefined;
}

/** Sequence numbers of AWS have at least 21 digits. */
const SEQUENCE_DIGITS = 21;
const ttlService = { type: 'Service', principalId: 'dynamodb.amazonaws.com' } as const;

export class Stream {
  private readonly now: () => number;
  private readonly all: StreamRecord[] = [];

  constructor(now: () => number) {
    this.now = now;
  }

  append({ keys, before, after, author }: Change): void {
    this.all.push({
      eventName: eventName(before, after),
      Keys: keys,
      ...(after && { NewImage: after }),
      SequenceNumber: `1${String(this.all.length).padStart(SEQUENCE_DIGITS - 1, '0')}`,
      ApproximateCreationDateTime: Math.floor(this.now() / 1_000),
      ...(author && { userIdentity: ttlService }),
    });
  }

  /** All but the first `from`. */
  records(from: number): readonly StreamRecord[] {
    return this.all.slice(from);
  }
}

function eventName(before: Item | undefined, after: Item | undefined): StreamRecord['eventName'] {
  if (!after) return 'REMOVE';
  return before ? 'MODIFY' : 'INSERT';
}
