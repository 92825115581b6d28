// A message on its way out: what the app holds in its hands, and shows at once as its local echo.
import type { Message, SendableType } from '../../protocol/messages.ts';
import { referencesOf } from '../../protocol/slots.ts';
import { ImError, unreadableAnswer, type ImErrorCode } from '../errors.ts';
import type { AnswerTo } from '../frames.ts';
import type { Identity, OutboxRecord } from '../store/schema.ts';

export type SendState =
  /** In the outbox; goes out by itself, over reconnects and restarts. */
  | 'queued'
  | 'sending'
  /** Stored by the server, and numbered. */
  | 'sent'
  /** Tried often enough: `retry()` or `discard()` it. Those behind it in its conversation wait for that. */
  | 'failed'
  /** The server will not take it: `discard()` it. */
  | 'rejected';

/** Text, or a message of another type with its body. */
export type Content =
  | string
  | { readonly type: SendableType; readonly body: Readonly<Record<string, unknown>> };

export interface SendOptions {
  /** Counts nowhere as unread and is never notified. */
  readonly silent?: boolean;
  /** The seq of the message that it answers. */
  readonly replyTo?: number;
  /** Users that it is for, above all: at most 50, or `"all"` of the conversation. */
  readonly mentions?: string[] | 'all';
  /** Idempotency key, 8–40 url-safe characters; default: a new one. */
  readonly clientMsgId?: string;
}

/** What the outbox does for a message. */
export interface OutgoingActions {
  retry(message: OutgoingMessage): Promise<void>;
  discard(message: OutgoingMessage): Promise<void>;
}

export class OutgoingMessage {
  /** It has none yet: what tells it from a sent one where both are drawn. */
  declare readonly seq?: undefined;
  declare readonly reactions?: undefined;
  /** This user. */
  readonly from: string;
  declare readonly clientMsgId: string;
  declare readonly conversationId: string;
  declare readonly type: SendableType;
  declare readonly body: Readonly<Record<string, unknown>>;
  declare readonly silent: boolean;
  declare readonly replyTo: number | undefined;
  declare readonly mentions: Message['mentions'] | undefined;
  /** Milliseconds since the epoch, by this device's clock. */
  declare readonly createdAt: number;
  /** Resolves when the outbox holds it durably: from then on it survives a crash. Rejects with ImError `storage`. */
  readonly stored: Promise<void>;
  /** Once it is sent, the message as the server stored it. */
  message: Message | undefined;
  readonly #actions: OutgoingActions;
  #currentState: SendState;
  #currentError: ImError | undefined;
  #outcome = new Outcome();

  constructor(record: OutboxRecord, from: string, stored: Promise<void>, actions: OutgoingActions) {
    this.from = from;
    this.stored = stored;
    this.#actions = actions;
    const { order: _, to: __, state, error, ...given } = record;
    Object.assign(this, given);
    this.#currentState = state;
    if (error) {
      this.#currentError = new ImError(error.code as ImErrorCode, error.message, {
        retryable: state === 'failed',
      });
      this.#outcome.reject(this.#currentError);
    }
  }

  get state(): SendState {
    return this.#currentState;
  }

  /** Why it failed or was rejected. */
  get error(): ImError | undefined {
    return this.#currentError;
  }

  /**
   * The message as the server stored it. Rejects with ImError when it failed, was rejected or discarded, or the
   * client was closed or kicked or gave up first (it stays in the outbox then). Once it is tried again it is a new
   * promise.
   */
  get sent(): Promise<Message> {
    return this.#outcome.promise;
  }

  /** Sends a failed message once more, in its place: those behind it follow. Rejects with ImError for a rejected one. */
  async retry(): Promise<void> {
    if (this.state === 'rejected')
      throw new ImError('bad_request', 'A rejected message is not taken: discard it and send another');
    return this.#actions.retry(this);
  }

  /** Takes it out of the outbox. If it is on its way, it may arrive all the same. */
  discard(): Promise<void> {
    return this.#actions.discard(this);
  }

  /** For the outbox only. @internal */
  become(
    state: SendState,
    { error, message }: { readonly error?: ImError; readonly message?: Message } = {},
  ): void {
    const again = state === 'queued' ? this.#currentError : !error;
    if (this.#outcome.rejected && again) this.#outcome = new Outcome();
    this.#currentState = state;
    this.#currentError = error;
    this.message = message;
    if (message) this.#outcome.resolve(message);
    if (error) this.#outcome.reject(error);
  }

  /** Nobody waits for it any more. @internal */
  abandon(error: ImError): void {
    this.#outcome.reject(error);
  }
}

/** What the server stored, from what was sent and its answer. */
export function toMessage(
  record: OutboxRecord,
  { conversationId, seq, serverTime }: AnswerTo<'send'>,
  { userId: from, deviceId }: Identity,
): Message {
  if (seq === undefined) throw unreadableAnswer('send');
  const { clientMsgId, type, body, silent } = record;
  const place = { conversationId, seq, clientMsgId, serverTime, from, deviceId };
  return { ...place, type, body, recalled: false, edited: null, silent, ...referencesOf(record) };
}

class Outcome {
  rejected = false;
  resolve: (value: Message) => void = () => {};
  reject: (error: ImError) => void = () => {};
  readonly promise = new Promise<Message>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = (error) => {
      this.rejected = true;
      reject(error);
    };
  });

  constructor() {
    // An app that looks at states instead need not handle it.
    this.promise.catch(() => {});
  }
}
