// React hooks over a client: what components show of it, always as it is by now. They need React 18 or later and nothing
// else; they are the same in one page and over all tabs of an app (`ImClient`, `SharedClient`).
import {
  createContext,
  createElement,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
  type ReactNode,
} from 'react';
import type { Client } from '../client.ts';
import type { Conversation } from '../conversation.ts';
import type { ConversationSummary } from '../summaries.ts';
import { connectionSource, type ConnectionStatus } from './connection.ts';
import { conversationsSource } from './conversations.ts';
import { messageSource, type MessageList, type MessagePages } from './messages.ts';
import { createSource, keep, Sources, type Source } from './source.ts';

export type { ConnectionStatus } from './connection.ts';
export type { MessageList, MessagePages } from './messages.ts';
export { seqAt } from '../seq-at.ts';

const ClientContext = createContext<Client | undefined>(undefined);
const sources = new Sources<Client>();

/** Gives a client to all hooks below it. It opens and closes nothing: the client is the app's. */
export function ImProvider({ client, children }: { client: Client; children?: ReactNode }) {
  return createElement(ClientContext.Provider, { value: client }, children);
}

/** @throws Error outside of an `ImProvider` */
export function useClient(): Client {
  const client = useContext(ClientContext);
  if (!client) throw new Error('There is no ImProvider around this component');
  return client;
}

function useSource<S extends Source<unknown>>(name: string, create: (client: Client) => S): S {
  const client = useClient();
  return sources.of(client, name, () => create(client));
}

const useValue = <T>(source: Source<T>): T => useSyncExternalStore(source.subscribe, source.get, source.get);

/** How the client stands to its server, and why. */
export function useConnection(): ConnectionStatus {
  return useValue(useSource('connection', connectionSource));
}

/** Messages of others that were not read, over all conversations that are not muted. */
export function useTotalUnread(): number {
  return useValue(useSource('unread', unreadSource));
}

export interface ConversationPage {
  /** `undefined`: not read yet. */
  readonly conversations: readonly ConversationSummary[] | undefined;
  readonly hasMore: boolean;
  /** Another page downwards. */
  readonly showMore: () => void;
}

/** Pinned ones first, then the most recent; hidden ones and those that were left are not in it. */
export function useConversations({ pageSize = 50 }: { pageSize?: number } = {}): ConversationPage {
  const all = useValue(useSource('conversations', conversationsSource));
  const [pages, setPages] = useState(1);
  const showMore = useCallback(() => setPages((count) => count + 1), []);
  const shown = all?.filter(({ hidden }) => !hidden);
  const conversations = useStable(shown?.slice(0, pages * pageSize));
  return { conversations, hasMore: (shown?.length ?? 0) > pages * pageSize, showMore };
}

/** The same list as before, while it holds the same. */
function useStable<T>(list: readonly T[] | undefined): readonly T[] | undefined {
  const before = useRef(list);
  const isSame =
    before.current?.length === list?.length &&
    (list ?? []).every((one, index) => Object.is(one, before.current?.[index]));
  if (!isSame) before.current = list;
  return before.current;
}

/** `to`: a conversation id, or `user:<userId>`. What can be done there; the same object for the same conversation. */
export function useConversation(to: string): Conversation {
  const client = useClient();
  return sources.of(client, `conversation ${to}`, () => client.conversation(to));
}

/** What a list shows of one conversation. */
export function useSummary(to: string): ConversationSummary {
  const { conversationId } = useConversation(to);
  return useValue(useSource(`summary ${conversationId}`, (client) => summarySource(client, conversationId)));
}

export interface Messages extends MessageList, MessagePages {}

/** The newest messages, in one order with those that are not sent yet; and older ones, as far as they were loaded; or from a message on. */
export function useMessages(to: string): Messages {
  const { conversationId } = useConversation(to);
  const source = useSource(`messages ${conversationId}`, (client) => messageSource(client, conversationId));
  const list = useValue(source);
  return useMemo(() => {
    const { loadOlder, loadNewer, showFrom, showNewest } = source;
    return { ...list, loadOlder, loadNewer, showFrom, showNewest };
  }, [list, source]);
}

/** Who types there now, other than this user. */
export function useTyping(to: string): readonly string[] {
  const { conversationId } = useConversation(to);
  return useValue(useSource(`typing ${conversationId}`, (client) => typingSource(client, conversationId)));
}

/** How to show users: contacts' aliases, profiles' names, else their ids; another function when one has become known. */
export function useNames(): (userId: string) => string {
  const client = useClient();
  const version = useValue(useSource('names', namesSource));
  return useMemo(() => (userId) => client.nameOf(userId), [client, version]);
}

/** Whether somebody is there, as far as they show it; `undefined`: not known yet, or nobody was asked for. */
export function usePresence(userId: string | undefined): PresenceOf | undefined {
  return useValue(useSource(`presence ${userId ?? ''}`, (client) => presenceSource(client, userId)));
}

/** While the component is there, the conversation is open: of a large group, messages come live only then. */
export function useOpen(to: string): void {
  const conversation = useConversation(to);
  useEffect(() => conversation.open(), [conversation]);
}

export interface PresenceOf {
  readonly online: boolean;
  /** Since when, in milliseconds since the epoch, where that is shown. */
  readonly since?: number;
}

const DRAFT_DELAY_MS = 1_000;
/** What could not be kept before its client was closed, by user and conversation: for the next one. */
const unsavedDrafts = new Map<string, string>();

/**
 * What this user began to write there, and how to change it: kept for all of their devices, a second after the last change and
 * when the component goes. What another device wrote appears while nothing was changed here.
 */
export function useDraft(to: string): readonly [draft: string, setDraft: (text: string) => void] {
  const { userId } = useClient();
  const conversation = useConversation(to);
  const place = `${userId} ${conversation.conversationId}`;
  const { draft: stored } = useSummary(to);
  const [written, setWritten] = useState<string>();
  const pending = useRef<{ readonly text: string; readonly timer: ReturnType<typeof setTimeout> }>(undefined);
  const flush = useCallback(() => {
    if (!pending.current) return;
    const { text, timer } = pending.current;
    pending.current = undefined;
    clearTimeout(timer);
    // Without a connection it stays here, for as long as the component does.
    conversation.saveDraft(text).then(
      () => setWritten((now) => (now === text && !pending.current ? undefined : now)),
      () => void unsavedDrafts.set(place, text),
    );
  }, [conversation, place]);
  const setDraft = useCallback(
    (text: string) => {
      unsavedDrafts.delete(place);
      setWritten(text);
      if (pending.current) clearTimeout(pending.current.timer);
      pending.current = { text, timer: setTimeout(flush, DRAFT_DELAY_MS) };
    },
    [flush, place],
  );
  useEffect(() => {
    const unsaved = unsavedDrafts.get(place);
    if (unsaved === undefined) setWritten(undefined);
    else setDraft(unsaved);
    return flush;
  }, [flush, setDraft, place]);
  return [written ?? stored, setDraft];
}

function unreadSource(client: Client): Source<number> {
  return createSource(client.totalUnread, (set) => {
    const again = () => set(client.totalUnread);
    const ends = [client.on('unreadChanged', again), client.on('conversationChanged', again)];
    again();
    return () => ends.forEach((end) => end());
  });
}

function summarySource(client: Client, conversationId: string): Source<ConversationSummary> {
  const conversation = client.conversation(conversationId);
  return createSource(conversation.summary, (set, get) => {
    const again = () => set(keep(get(), conversation.summary));
    const ends = [conversation.on('conversationChanged', again), client.on('reset', again)];
    again();
    return () => ends.forEach((end) => end());
  });
}

/** How often names have changed. */
function namesSource(client: Client): Source<number> {
  return createSource(0, (set, get) => {
    const again = () => set(get() + 1);
    const ends = [client.on('profilesChanged', again), client.on('contactChanged', again)];
    return () => ends.forEach((end) => end());
  });
}

function presenceSource(client: Client, userId: string | undefined): Source<PresenceOf | undefined> {
  return createSource<PresenceOf | undefined>(undefined, (set) => {
    if (userId === undefined) return () => {};
    const ends = [
      client.on('presence', ({ userId: who, online, since }) => {
        if (who === userId) set({ online, ...(since !== undefined && { since }) });
      }),
      client.watchPresence([userId]),
    ];
    return () => {
      ends.forEach((end) => end());
      set(undefined);
    };
  });
}

const nobody: readonly string[] = [];

function typingSource(client: Client, conversationId: string): Source<readonly string[]> {
  return createSource(nobody, (set) => {
    const end = client.conversation(conversationId).on('typing', ({ users }) => set(users));
    return () => {
      end();
      set(nobody);
    };
  });
}
