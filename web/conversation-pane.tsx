// A conversation: who it is with, what was said, and what is being written.
import { useCallback, useEffect, useRef, useState, type DOMAttributes } from 'react';
import type { Message } from '../src/protocol/messages.ts';
import {
  useClient,
  useConversation,
  useMessages,
  useNames,
  useOpen,
  usePresence,
  useSummary,
  useTyping,
} from '../src/client/react/hooks.ts';
import { Avatar } from './avatar.tsx';
import { Composer, type Writing } from './composer.tsx';
import { JumpToDate } from './jump-to-date.tsx';
import { titleOf } from './texts.ts';
import { Timeline } from './timeline.tsx';
import { momentOf } from './times.ts';
import { UploadList } from './upload-list.tsx';
import { uploadsOf } from './uploads.ts';
import { words } from './words.ts';

interface PaneProps {
  readonly conversationId: string;
  /** The message to open it at; another object each time. */
  readonly target: { readonly seq: number } | undefined;
  readonly onBack: () => void;
  readonly onDetails: () => void;
}

export function ConversationPane({ conversationId, target, onBack, onDetails }: PaneProps) {
  const { userId } = useClient();
  const conversation = useConversation(conversationId);
  const summary = useSummary(conversationId);
  const list = useMessages(conversationId);
  const { showFrom } = list;
  useEffect(() => {
    if (target) void showFrom(target.seq);
  }, [target, showFrom]);
  const nameOf = useNames();
  const [writing, setWriting] = useState<Writing>({ kind: 'new' });
  const [problem, setProblem] = useState<string>();
  const [isJumping, setJumping] = useState(false);
  useOpen(conversationId);
  // What was unread when this was opened: the line stays there as long as it is open.
  const [unreadAfter] = useState(() => (summary.unread > 0 ? summary.readSeq : undefined));
  const lastSeq = list.messages.findLast(({ seq }) => seq !== undefined)?.seq;
  useReading(
    list.hasNewer ? undefined : lastSeq,
    summary.readSeq,
    () => void conversation.markRead().catch(() => {}),
  );

  /** What was asked for is done, or it is said why not. */
  const attempt = useCallback(async (work: () => Promise<unknown>) => {
    try {
      setProblem(undefined);
      await work();
    } catch (error) {
      setProblem(words.didNotWork((error as Error).message));
    }
  }, []);
  const actions = {
    reply: (message: Message) => setWriting({ kind: 'reply', message }),
    edit: (message: Message) => setWriting({ kind: 'edit', message }),
    recall: (message: Message) => void attempt(() => conversation.recall(message.seq)),
    react: (message: Message, emoji: string, isMine: boolean) =>
      void attempt(() =>
        isMine ? conversation.unreact(message.seq, emoji) : conversation.react(message.seq, emoji),
      ),
    receipts: (message: Message) => conversation.receipts(message.seq),
  };
  const uploads = uploadsOf(useClient());
  const sendFiles = (files: readonly File[]) => {
    if (files.length === 0) return;
    uploads.add(conversation, files, writing.kind === 'reply' ? writing.message.seq : undefined);
    if (writing.kind === 'reply') setWriting({ kind: 'new' });
  };
  const title = titleOf(summary, nameOf);
  return (
    <section className="pane" aria-label={title} {...takeDropped(sendFiles)}>
      <header className="pane-head">
        <button type="button" className="icon back" aria-label={words.back} onClick={onBack}>
          ←
        </button>
        <Avatar id={summary.peer ?? conversationId} name={title} size={32} />
        <span className="lines">
          <strong className="ellipsis" dir="auto">
            {title}
          </strong>
          <Subtitle conversationId={conversationId} />
        </span>
        <button
          type="button"
          className="icon"
          aria-label={words.toDate}
          aria-expanded={isJumping}
          title={words.toDate}
          onClick={() => setJumping((open) => !open)}
        >
          📅
        </button>
        <button
          type="button"
          className="icon"
          aria-label={words.details}
          title={words.details}
          onClick={onDetails}
        >
          ⋯
        </button>
      </header>
      {isJumping && (
        <JumpToDate
          conversation={conversation}
          list={list}
          onClose={() => {
            setJumping(false);
            // The keys go on there.
            document.querySelector<HTMLElement>('.timeline .scroll')?.focus();
          }}
        />
      )}
      <Timeline
        list={list}
        target={target}
        userId={userId}
        summary={summary}
        unreadAfter={unreadAfter}
        nameOf={nameOf}
        actions={actions}
      />
      {problem && (
        <p className="problem bar" role="alert">
          {problem}
          <button
            type="button"
            className="icon"
            aria-label={words.close}
            onClick={() => setProblem(undefined)}
          >
            ×
          </button>
        </p>
      )}
      <UploadList uploads={uploads} conversationId={conversationId} />
      <Composer
        conversationId={conversationId}
        writing={writing}
        nameOf={nameOf}
        onDone={() => setWriting({ kind: 'new' })}
        onFiles={sendFiles}
        onEditLast={() => {
          const own = list.messages.findLast((message) => isEditable(message, userId));
          if (own) setWriting({ kind: 'edit', message: own as Message });
        }}
        attempt={attempt}
      />
    </section>
  );
}

const isEditable = (
  message: { seq?: number | undefined; from: string; type: string; recalled?: boolean },
  userId: string,
) => message.seq !== undefined && message.from === userId && message.type === 'text' && !message.recalled;

/** Files that are dropped on it. */
function takeDropped(
  onFiles: (files: readonly File[]) => void,
): Pick<DOMAttributes<HTMLElement>, 'onDragOver' | 'onDrop'> {
  return {
    onDragOver: (event) => {
      if (event.dataTransfer.types.includes('Files')) event.preventDefault();
    },
    onDrop: (event) => {
      if (!event.dataTransfer.types.includes('Files')) return;
      event.preventDefault();
      onFiles([...event.dataTransfer.files]);
    },
  };
}

/** Who types there, else what there is to say of the conversation. */
function Subtitle({ conversationId }: { conversationId: string }) {
  const nameOf = useNames();
  const typing = useTyping(conversationId);
  const { kind, memberCount, peer } = useSummary(conversationId);
  const presence = usePresence(kind === 'direct' && peer !== useClient().userId ? peer : undefined);
  if (typing.length > 0) {
    return (
      <span className="quiet typing" role="status">
        {words.typing(typing.map(nameOf))}
      </span>
    );
  }
  if (kind === 'direct') {
    if (!presence || (!presence.online && presence.since === undefined)) return null;
    return (
      <span className="quiet">
        {presence.online ? words.online : words.lastSeen(momentOf(presence.since!, Date.now()))}
      </span>
    );
  }
  return memberCount ? <span className="quiet">{words.memberCount(memberCount)}</span> : null;
}

/** Whoever looks at the page has read what it shows. */
function useReading(lastSeq: number | undefined, readSeq: number, markRead: () => void): void {
  const latest = useRef(markRead);
  latest.current = markRead;
  const isUnread = lastSeq !== undefined && lastSeq > readSeq;
  useEffect(() => {
    if (!isUnread) return;
    const look = () => {
      if (document.visibilityState === 'visible' && document.hasFocus()) latest.current();
    };
    look();
    addEventListener('focus', look);
    document.addEventListener('visibilitychange', look);
    return () => {
      removeEventListener('focus', look);
      document.removeEventListener('visibilitychange', look);
    };
  }, [isUnread, lastSeq]);
}
