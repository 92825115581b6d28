// What a device was given to send, and what it heard of that, over all its lives.
import type { OutgoingMessage, SendState } from '../../src/client/outbox/outgoing.ts';
import type { Sent } from './history.ts';

type About = Pick<Sent, 'conversationId' | 'text' | 'silent'>;

interface SendRecord extends About {
  stored: boolean;
  rejected: boolean;
  readonly seqs: Set<number>;
}

export class SentLog {
  private readonly records = new Map<string, SendRecord>();

  add(message: OutgoingMessage, about: About): void {
    const record: SendRecord = { ...about, stored: false, rejected: false, seqs: new Set() };
    this.records.set(message.clientMsgId, record);
    message.stored.then(
      () => (record.stored = true),
      () => {},
    );
    this.follow(message);
  }

  note(message: OutgoingMessage, state: SendState): void {
    if (state === 'sent') this.follow(message);
    if (state === 'rejected') this.noteRejected(message.clientMsgId);
  }

  noteRejected(clientMsgId: string): void {
    const record = this.records.get(clientMsgId);
    if (record) record.rejected = true;
  }

  /** Where its messages stand, as far as it knows. */
  get places(): { readonly conversationId: string; readonly seq: number }[] {
    return [...this.records.values()].flatMap(({ conversationId, seqs }) =>
      [...seqs].map((seq) => ({ conversationId, seq })),
    );
  }

  sentBy(userId: string, deviceId: string): Sent[] {
    return [...this.records].map(([clientMsgId, { stored, rejected, seqs, ...about }]) => ({
      ...about,
      userId,
      deviceId,
      clientMsgId,
      outcome: rejected ? 'rejected' : stored || seqs.size > 0 ? 'sent' : 'unknown',
      seqs: [...seqs],
    }));
  }

  clear(): void {
    this.records.clear();
  }

  private follow(message: OutgoingMessage): void {
    message.sent.then(
      ({ seq }) => this.records.get(message.clientMsgId)?.seqs.add(seq),
      () => {},
    );
  }
}
