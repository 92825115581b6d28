// What a device does when its client asks for what not every app does, and not at its start: see `extras.ts`.
import type { Body } from '../protocol/body.ts';
import type { Message, Reaction } from '../protocol/messages.ts';
import type { ConversationSettings, GroupPolicy, Role } from '../protocol/server-frames.ts';
import type { RequestFields } from './connection/connection.ts';
import type { Extras } from './extras.ts';
import type { AnswerTo } from './frames.ts';
import { pagesOf, readHistory, type HistoryPage, type HistoryQuery } from './history.ts';
import type { DeviceParts } from './operations.ts';
import type { Composed } from './outbox/compose.ts';
import { peopleOperations } from './people/operations.ts';
import { askPersistently } from './persistence.ts';
import { readShown, type ShownQuery } from './shown.ts';
import { searchMessages, type SearchOptions, type SearchPage } from './search.ts';
import type { Store } from './store/store.ts';
import { newerOf } from './store/versions.ts';
import type { Intake } from './sync/inbox.ts';
import { hearChanges } from './sync/targets.ts';

export interface ExtraParts extends DeviceParts {
  readonly extras: Extras;
}

export interface ReceiptsQuery {
  /** `next` of the page before. */
  readonly cursor?: string;
  /** 1–100, default 100. */
  readonly limit?: number;
}

export interface GroupUpdate {
  /** 1–100 characters. */
  readonly title?: string;
  /** `media:<key>` or an https URL; `''` takes it away. */
  readonly avatar?: string;
  readonly announcement?: string;
  readonly policy?: Partial<GroupPolicy>;
  /** All but the owner and admins. */
  readonly mutedAll?: boolean;
}

export interface NewGroup extends Omit<GroupUpdate, 'mutedAll'> {
  readonly title: string;
  /** The others, 100 at most; `add` takes more. */
  readonly members?: string[];
}

export interface NewFile {
  /** None: for everybody, an avatar. */
  readonly conversationId?: string;
  readonly name: string;
  readonly size: number;
  readonly mime: string;
}

export interface NamedFile {
  readonly media: string;
  /** Of the message that names it. */
  readonly conversationId?: string;
  readonly seq?: number;
}

export interface MembersQuery {
  /** `next` of the page before. */
  readonly cursor?: string;
  /** 1–100, default 100. */
  readonly limit?: number;
}

/** What waits on the server for this device, counted without pulling it. */
export interface PendingSummary {
  /** Messages of others that this device does not have yet. */
  readonly total: number;
  readonly conversations: readonly {
    readonly conversationId: string;
    readonly unread: number;
    /** Of others, and not here yet. */
    readonly waiting: number;
    readonly lastSeq: number;
    /** Its newest message, to draw a list with; `null` where none is to be shown. */
    readonly last: Message | null;
  }[];
  /** There is more than what was counted, or named. */
  readonly more: boolean;
}

export const extraOperations = {
  ...peopleOperations,

  async sendEphemeral({ session, environment }, to: string, content: Composed): Promise<void> {
    const fields = { to, clientMsgId: environment.newId(), ephemeral: true, ...content };
    await session.link.request('send', fields as RequestFields<'send'>);
  },

  async pending({ session, store }): Promise<PendingSummary> {
    const { position } = store.meta;
    const answer = await session.link.ask('pending', position === null ? {} : { after: position });
    if ('reset' in answer) return { total: 0, conversations: [], more: true };
    const { total, conversations, more } = answer;
    await session.inbox.note(
      conversations.map(({ conversationId, unread, lastSeq: seq }) => ({
        conversationId,
        counted: { unread, seq },
      })),
    );
    return { total, conversations, more };
  },

  history: readPage,

  search: ({ session }, query: string, options: SearchOptions): Promise<SearchPage> =>
    searchMessages(session.link.ask, query, options),

  /** Asked for anew it is another place: one that nothing is put into goes by itself. */
  upload: (parts, file: NewFile): Promise<AnswerTo<'upload'>> => askPersistently(parts)('upload', file),

  download: ({ session }, file: NamedFile): Promise<AnswerTo<'download'>> =>
    session.link.ask('download', file),

  receipts: (
    { session },
    conversationId: string,
    seq: number,
    query: ReceiptsQuery,
  ): Promise<AnswerTo<'receipts'>> => session.link.ask('receipts', { conversationId, seq, ...query }),

  async settings(parts, conversationId: string, wanted: Partial<ConversationSettings>): Promise<void> {
    const settings = await askPersistently(parts)('settings', { conversationId, ...wanted });
    await parts.session.inbox.take({ settings: [{ conversationId, settings }] });
  },

  clearUpTo(parts, conversationId: string, seq?: number): Promise<void> {
    const clearedSeq = seq ?? parts.store.conversation(conversationId).shownSeq ?? 0;
    return extraOperations.settings(parts, conversationId, { clearedSeq });
  },

  async recall(parts, conversationId: string, seq: number): Promise<void> {
    const { seq: controlSeq } = await askPersistently(parts)('recall', { conversationId, seq });
    await revise(parts, { conversationId, seq, controlSeq }, (message) => {
      const { replyTo: _, mentions: __, reactions: ___, ...kept } = message;
      return { ...kept, recalled: true, body: {} };
    });
  },

  async edit(parts, conversationId: string, seq: number, clientMsgId: string, body: Body): Promise<void> {
    const fields = { conversationId, seq, clientMsgId, body };
    const { seq: controlSeq, edited } = await askPersistently(parts)('edit', fields);
    await revise(parts, { conversationId, seq, controlSeq }, (message) => ({ ...message, edited, body }));
  },

  async react(
    parts,
    conversationId: string,
    { seq, emoji, remove }: { seq: number; emoji: string; remove: boolean },
  ): Promise<Reaction[]> {
    const { watches } = parts.session.inbox;
    let isHeard = false;
    const hear = (intake: Intake) => (isHeard ||= isIn(intake, conversationId, seq));
    watches.add(hear);
    try {
      const { reactions } = await askPersistently(parts)('react', { conversationId, seq, emoji, remove });
      // Its control message is on its way; it says nothing that would count anew. What came meanwhile may be newer.
      const place = { conversationId, seq, controlSeq: 0, unless: () => isHeard };
      await revise(parts, place, (message) => {
        const { reactions: _, ...kept } = message;
        return reactions.length > 0 ? { ...kept, reactions } : kept;
      });
      return reactions;
    } finally {
      watches.delete(hear);
    }
  },

  /** The same `clientGroupId` again is the same group, so a lost answer is asked for again. */
  createGroup: (parts, clientGroupId: string, group: NewGroup) =>
    askPersistently(parts)('createGroup', { clientGroupId, members: [], ...group }),

  group: ({ session }, conversationId: string) => session.link.ask('group', { conversationId }),

  members: ({ session }, conversationId: string, query: MembersQuery) =>
    session.link.ask('members', { conversationId, ...query }),

  addMembers: (parts, conversationId: string, users: string[]) =>
    askPersistently(parts)('addMembers', { conversationId, users }),

  removeMembers: (parts, conversationId: string, users: string[]) =>
    askPersistently(parts)('removeMembers', { conversationId, users }),

  async leaveGroup(parts, conversationId: string): Promise<void> {
    await askPersistently(parts)('leaveGroup', { conversationId });
  },

  async dismissGroup(parts, conversationId: string): Promise<void> {
    await askPersistently(parts)('dismissGroup', { conversationId });
  },

  updateGroup: (parts, conversationId: string, wanted: GroupUpdate) =>
    askPersistently(parts)('updateGroup', { conversationId, ...wanted }),

  async setRole(parts, conversationId: string, userId: string, role: Role): Promise<void> {
    await askPersistently(parts)('setRole', { conversationId, userId, role });
  },

  async muteMember(parts, conversationId: string, userId: string, seconds: number): Promise<number> {
    const answer = await askPersistently(parts)('muteMember', { conversationId, userId, seconds });
    return answer.mutedUntil;
  },

  /** Resolves when it is shut: what a tab left unanswered is asked of the next one, so that there it is open as well. */
  open: ({ extras }, conversationId: string, lookId: string): Promise<void> =>
    extras.looking.begin(conversationId, lookId),

  async shut({ extras }, lookId: string): Promise<void> {
    extras.looking.end(lookId);
  },
} satisfies Record<string, (parts: ExtraParts, ...takes: never[]) => Promise<unknown>>;

/** What was shown, with what the server has of it. Rejects with ImError. */
export function completeShown(
  parts: DeviceParts,
  conversationId: string,
  query: ShownQuery,
  kept: readonly Message[],
): Promise<Message[]> {
  const pages = (wanted: HistoryQuery) => pagesOf((page) => readPage(parts, conversationId, page), wanted);
  return readShown({ store: parts.store, conversationId, pages }, query, kept);
}

/** An answer that was long under way shows nothing that this device knows better by now. */
async function readPage(
  { session, store }: DeviceParts,
  conversationId: string,
  query: HistoryQuery,
): Promise<HistoryPage> {
  const { changed, end } = hearChanges(session.inbox, conversationId);
  try {
    const page = await readHistory(session.link.ask, conversationId, query);
    const messages = page.messages.map((message) => newerOf(changed.get(message.seq) ?? message, message));
    return { ...page, messages: await newest(store, messages) };
  } finally {
    end();
  }
}

/** Where a newer version of a message is stored than the one given, that; all of one conversation. */
async function newest(store: Store, messages: readonly Message[]): Promise<Message[]> {
  const [first] = messages;
  if (!first) return [];
  const range = { after: first.seq - 1, before: messages.at(-1)!.seq + 1, limit: messages.length };
  const stored = await store.messages(first.conversationId, range);
  const known = new Map(stored.map((message) => [message.seq, message]));
  return messages.map((message) => newerOf(message, known.get(message.seq) ?? message));
}

/** Whether it brings anything of a message. */
const isIn = ({ arrivals = [], targets = [] }: Intake, conversationId: string, seq: number) =>
  [...arrivals.map(({ slot }) => slot), ...targets.map(({ message }) => message)].some(
    (slot) => slot.seq === seq && slot.conversationId === conversationId,
  );

interface Revision extends Pick<Intake, 'unless'> {
  readonly conversationId: string;
  readonly seq: number;
  readonly controlSeq: number;
}

/** What the server has done to an own message, done here. */
async function revise(
  { session, store }: DeviceParts,
  { conversationId, seq, controlSeq, unless }: Revision,
  change: (message: Message) => Message,
): Promise<void> {
  const message =
    (await store.message(conversationId, seq)) ??
    (await readHistory(session.link.ask, conversationId, { after: seq - 1, limit: 1 })).messages[0];
  if (message?.seq !== seq) return;
  await session.inbox.take({
    targets: [{ message: change(message), controlSeq }],
    ...(unless && { unless }),
  });
}
