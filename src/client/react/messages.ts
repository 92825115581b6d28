// The messages of a conversation as a list shows them: what was sent by seq, then what is not sent yet.
import type { Message } from '../../protocol/messages.ts';
import type { Client } from '../client.ts';
import { toImError, type ImError } from '../errors.ts';
import type { HistoryQuery } from '../history.ts';
import type { OutgoingMessage } from '../outbox/outgoing.ts';
import { coalesce, createSource, type Source } from './source.ts';

export interface MessageList {
  /** Ascending; those that are not sent yet come last, and have no `seq`. */
  readonly messages: readonly (Message | OutgoingMessage)[];
  /** Of the first page, or of another one. */
  readonly isLoading: boolean;
  /** There are older ones, as far as is known. */
  readonly hasOlder: boolean;
  /** There are newer ones than are shown, since `showFrom`; none that comes is shown meanwhile. */
  readonly hasNewer: boolean;
  /** Where what is shown began; another object each time that it began anew. */
  readonly start: Start;
  /** Why the last page could not be had. */
  readonly error: ImError | undefined;
}

export interface Start {
  /** At that message; `undefined`: at the newest. */
  readonly seq: number | undefined;
}

/** Each resolves when it is shown, or could not be had. */
export interface MessagePages {
  /** Another page upwards. */
  readonly loadOlder: () => Promise<void>;
  /** Another page downwards. */
  readonly loadNewer: () => Promise<void>;
  /** That message and a page on each side of it, in the place of what is shown. */
  readonly showFrom: (seq: number) => Promise<void>;
  /** The newest, in the place of what is shown. */
  readonly showNewest: () => Promise<void>;
}

export interface MessageSource extends Source<MessageList>, MessagePages {}

const PAGE_SIZE = 50;
const nothing: MessageList = {
  messages: [],
  isLoading: true,
  hasOlder: false,
  hasNewer: false,
  start: { seq: undefined },
  error: undefined,
};

export function messageSource(client: Client, conversationId: string): MessageSource {
  const conversation = client.conversation(conversationId);
  let run: Run | undefined;
  let begin: (seq?: number, awaitedSeq?: number) => Promise<Run | undefined> = async () => undefined;

  const source = createSource<MessageList>(nothing, (set, get) => {
    const show = (own: Run) => {
      if (run !== own) return;
      const { bySeq, isLoading, hasOlder, hasNewer, start, error } = own;
      // What was shown before stays until it is read anew.
      if (!own.isRead) return set({ ...get(), isLoading, error });
      const sent = [...bySeq.values()].toSorted((a, b) => a.seq - b.seq);
      const known = new Set(sent.filter(({ from }) => from === client.userId).map((one) => one.clientMsgId));
      // They stand below the newest.
      const unsent = hasNewer ? [] : conversation.unsent().filter((one) => !known.has(one.clientMsgId));
      set({ messages: [...sent, ...unsent], isLoading, hasOlder, hasNewer, start, error });
    };
    begin = async (seq, awaitedSeq) => {
      const written = conversation.unsent().map(({ clientMsgId }) => clientMsgId);
      const own: Run = { ...newRun(seq, () => show(own)), awaitedSeq, writtenBefore: new Set(written) };
      run = own;
      await load(own, seq === undefined ? { before: seq } : { before: seq, after: seq - 1 });
      return own;
    };
    const ends = [
      conversation.on('message', ({ message }) => {
        if (!run) return;
        if (message.seq === run.awaitedSeq) void begin(message.seq);
        else follow(run, message);
      }),
      conversation.on('messageChanged', ({ message }) => {
        if (run?.bySeq.has(message.seq)) put(run, [message]);
      }),
      // Whoever writes sees it; what was written before has only got further.
      conversation.on('sendState', ({ message }) => {
        if (run?.hasNewer && !run.writtenBefore.has(message.clientMsgId)) void begin();
        else run?.show();
      }),
      client.on('reset', () => void (run?.hasNewer ? showFrom(run.start.seq!) : begin())),
    ];
    void begin();
    return () => {
      for (const end of ends) end();
      run = undefined;
    };
  });

  async function load(own: Run, query: Query): Promise<void> {
    own.isLoading = true;
    own.show();
    try {
      const page = async (wanted: HistoryQuery) => {
        const messages = await conversation.messages({ ...wanted, limit: PAGE_SIZE });
        return messages.filter((message): message is Message => message.seq !== undefined);
      };
      const add = (sent: readonly Message[]) => {
        // What an event brought meanwhile is newer than what was read before it.
        put(
          own,
          sent.filter(({ seq }) => !own.bySeq.has(seq)),
        );
        return sent.length >= PAGE_SIZE;
      };
      // First: where this device has the message by now, it has what stands above it too.
      if ('after' in query) {
        const isFull = add(await page({ after: query.after }));
        own.hasNewer = isFull || own.missedSeq > Math.max(...own.bySeq.keys());
      }
      const isThere = !('after' in query) || own.bySeq.size > 0;
      if ('before' in query && isThere) {
        own.hasOlder = add(await page(query.before ? { before: query.before } : {}));
      }
      own.isRead = isThere;
      own.error = undefined;
    } catch (error) {
      own.error = toImError(error);
    }
    own.isLoading = false;
    own.show();
  }

  /** A page beyond what is shown. */
  const more = async (own: Run | undefined, direction: 'before' | 'after'): Promise<void> => {
    if (!own || own.isLoading || own.bySeq.size === 0) return;
    if (direction === 'before' && own.hasOlder) await load(own, { before: Math.min(...own.bySeq.keys()) });
    if (direction === 'after' && own.hasNewer) await load(own, { after: Math.max(...own.bySeq.keys()) });
  };

  const showFrom = async (seq: number): Promise<void> => {
    const own = await begin(seq);
    // It began anew meanwhile, or it is shown.
    if (!own || own !== run || own.isRead) return;
    // It came meanwhile.
    if (!own.error && own.missedSeq >= seq) return showFrom(seq);
    // It could not be had, or is nothing that this device shows, or shows yet.
    const newest = await begin(undefined, own.error ? undefined : seq);
    if (!newest || newest !== run) return;
    newest.error = own.error ?? newest.error;
    newest.show();
  };

  return {
    ...source,
    loadOlder: () => more(run, 'before'),
    loadNewer: () => more(run, 'after'),
    showFrom,
    async showNewest() {
      await begin();
    },
  };
}

/** The newest, if `before` says nothing. */
type Query = { readonly before: number | undefined; readonly after?: number } | { readonly after: number };

/** From where it began, until it begins anew or the last subscriber is gone. */
interface Run {
  readonly bySeq: Map<number, Message>;
  readonly show: () => void;
  readonly start: Start;
  isRead: boolean;
  isLoading: boolean;
  hasOlder: boolean;
  hasNewer: boolean;
  /** Somebody went there and this device did not have it: then it begins there, once it comes. */
  readonly awaitedSeq: number | undefined;
  /** What was on its way out when it began. */
  readonly writtenBefore: ReadonlySet<string>;
  /** The newest that came and was not shown. */
  missedSeq: number;
  error: ImError | undefined;
}

const newRun = (seq: number | undefined, show: () => void): Omit<Run, 'awaitedSeq' | 'writtenBefore'> => ({
  bySeq: new Map(),
  show: coalesce(show),
  start: { seq },
  isRead: false,
  isLoading: false,
  hasOlder: false,
  hasNewer: seq !== undefined,
  missedSeq: 0,
  error: undefined,
});

/** Of a conversation that is open for long, the oldest go again: they are loaded when somebody looks for them. */
const MAX_FOLLOWED = 2_000;

function follow(run: Run, message: Message): void {
  if (run.hasNewer) {
    run.missedSeq = Math.max(run.missedSeq, message.seq);
    return;
  }
  put(run, [message]);
  if (run.bySeq.size <= MAX_FOLLOWED) return;
  run.bySeq.delete(Math.min(...run.bySeq.keys()));
  run.hasOlder = true;
}

function put(run: Run, messages: readonly Message[]): void {
  for (const message of messages) run.bySeq.set(message.seq, message);
  run.show();
}
