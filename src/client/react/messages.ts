// The messages of a conversation as a list shows them: what was sent by seq, then what is not sent yet.
import type { Message } from '../../protocol/messages.ts';
import type { Client } from '../client.ts';
import { toImError, type ImError } from '../errors.ts';
import type { OutgoingMessage } from '../outbox/outgoing.ts';
import { coalesce, createSource, type Source } from './source.ts';

export interface MessageList {
  /** Ascending; those that are not sent yet come last, and have no `seq`. */
  readonly messages: readonly (Message | OutgoingMessage)[];
  /** Of the first page, or of older ones. */
  readonly isLoading: boolean;
  /** There are older ones, as far as is known. */
  readonly hasOlder: boolean;
  /** Why the last page could not be had. */
  readonly error: ImError | undefined;
}

export interface MessageSource extends Source<MessageList> {
  /** Another page upwards; resolves when it is shown, or could not be had. */
  readonly loadOlder: () => Promise<void>;
}

const PAGE_SIZE = 50;
const nothing: MessageList = { messages: [], isLoading: true, hasOlder: false, error: undefined };

export function messageSource(client: Client, conversationId: string): MessageSource {
  const conversation = client.conversation(conversationId);
  let run: Run | undefined;

  const source = createSource<MessageList>(nothing, (set, get) => {
    const bySeq = new Map<number, Message>();
    const show = coalesce(() => {
      if (run !== own) return;
      const { isLoading, hasOlder, error } = own;
      // What was shown before stays until it is read anew.
      if (!own.isRead) return set({ ...get(), isLoading, error });
      const sent = [...bySeq.values()].toSorted((a, b) => a.seq - b.seq);
      const known = new Set(sent.filter(({ from }) => from === client.userId).map((one) => one.clientMsgId));
      const unsent = conversation.unsent().filter(({ clientMsgId }) => !known.has(clientMsgId));
      set({ messages: [...sent, ...unsent], isLoading, hasOlder, error });
    });
    const own: Run = { bySeq, show, isRead: false, isLoading: false, hasOlder: false, error: undefined };
    run = own;
    const reload = () => {
      bySeq.clear();
      own.isRead = false;
      void load(own, {});
    };
    const ends = [
      conversation.on('message', ({ message }) => follow(own, message)),
      conversation.on('messageChanged', ({ message }) => {
        if (bySeq.has(message.seq)) put(own, [message]);
      }),
      conversation.on('sendState', show),
      client.on('reset', reload),
    ];
    void load(own, {});
    return () => {
      for (const end of ends) end();
      run = undefined;
    };
  });

  async function load(own: Run, query: { readonly before?: number }): Promise<void> {
    own.isLoading = true;
    own.show();
    try {
      const page = await conversation.messages({ ...query, limit: PAGE_SIZE });
      const sent = page.filter((message): message is Message => message.seq !== undefined);
      // What an event brought meanwhile is newer than what was read before it.
      put(
        own,
        sent.filter(({ seq }) => !own.bySeq.has(seq)),
      );
      own.isRead = true;
      own.hasOlder = sent.length >= PAGE_SIZE;
      own.error = undefined;
    } catch (error) {
      own.error = toImError(error);
    }
    own.isLoading = false;
    own.show();
  }

  return {
    ...source,
    async loadOlder() {
      const own = run;
      if (!own || own.isLoading || !own.hasOlder) return;
      const before = Math.min(...own.bySeq.keys());
      if (Number.isFinite(before)) await load(own, { before });
    },
  };
}

/** From the first subscriber to the last. */
interface Run {
  readonly bySeq: Map<number, Message>;
  readonly show: () => void;
  isRead: boolean;
  isLoading: boolean;
  hasOlder: boolean;
  error: ImError | undefined;
}

/** Of a conversation that is open for long, the oldest go again: they are loaded when somebody looks for them. */
const MAX_FOLLOWED = 2_000;

function follow(run: Run, message: Message): void {
  put(run, [message]);
  if (run.bySeq.size <= MAX_FOLLOWED) return;
  run.bySeq.delete(Math.min(...run.bySeq.keys()));
  run.hasOlder = true;
}

function put(run: Run, messages: readonly Message[]): void {
  for (const message of messages) run.bySeq.set(message.seq, message);
  run.show();
}
