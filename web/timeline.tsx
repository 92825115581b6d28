// The timeline: only what is in sight is drawn, nothing jumps, and at the bottom it follows.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { VList, type VListHandle } from 'virtua';
import type { Messages } from '../src/client/react/hooks.ts';
import type { ConversationSummary } from '../src/client/summaries.ts';
import { MessageRow, type MessageActions } from './message-row.tsx';
import { itemsOf } from './timeline-items.ts';
import { textOf } from './texts.ts';
import { dayOf } from './times.ts';
import { words } from './words.ts';

interface TimelineProps {
  readonly list: Messages;
  /** The message that the conversation was opened at; another object each time. */
  readonly target: { readonly seq: number } | undefined;
  readonly userId: string;
  readonly summary: ConversationSummary;
  readonly unreadAfter: number | undefined;
  readonly nameOf: (userId: string) => string;
  readonly actions: MessageActions;
}

/** Near enough to an end. */
const EDGE_PX = 80;

export function Timeline({ list, target, userId, summary, unreadAfter, nameOf, actions }: TimelineProps) {
  const { messages, isLoading, hasOlder, loadOlder, hasNewer, loadNewer, start, error } = list;
  const handle = useRef<VListHandle>(null);
  const box = useRef<HTMLDivElement>(null);
  // Known of one start only: what was so before says nothing of what is shown from another message on.
  const [bottom, setBottom] = useState({ start, isReached: start.seq === undefined });
  const isAtBottom = bottom.start === start ? bottom.isReached : start.seq === undefined;
  const isEndInSight = () => {
    const { scrollTop, clientHeight, scrollHeight } = box.current!.querySelector('.scroll')!;
    return scrollTop >= scrollHeight - clientHeight - EDGE_PX;
  };
  const look = () => setBottom({ start, isReached: isEndInSight() });
  // At the message that somebody went to: nothing that comes moves it away, until they go on from there.
  const isHeld = useRef(false);
  const [seenSeq, setSeenSeq] = useState(0);
  const lastOffset = useRef(Infinity);
  const [marked, setMarked] = useState(target?.seq);
  useEffect(() => setMarked(target?.seq), [target]);
  const items = useMemo(() => itemsOf(messages, userId, unreadAfter), [messages, userId, unreadAfter]);
  const bySeq = useMemo(
    () =>
      new Map(
        messages.flatMap((message) => (message.seq === undefined ? [] : [[message.seq, message] as const])),
      ),
    [messages],
  );
  // Whether what is new stands above what was there: then what is in sight stays where it is.
  const first = useRef<string>(undefined);
  const firstKey = items.find(({ kind }) => kind === 'message')?.key;
  const isPrepended =
    first.current !== undefined &&
    first.current !== firstKey &&
    items.some(({ key }) => key === first.current);
  first.current = firstKey;

  const lastKey = items.at(-1)?.key;
  const lastSeq = messages.findLast(({ seq }) => seq !== undefined)?.seq ?? 0;
  // Here, that is: what was sent from another device of this user is no reason to move.
  const isUnsentLast = messages.length > 0 && messages.at(-1)!.seq === undefined;
  const before = useRef({ start, hasNewer });
  useLayoutEffect(() => {
    const { current } = before;
    before.current = { start, hasNewer };
    if (items.length === 0) return;
    const isNewStart = start !== current.start;
    const { seq: from } = start;
    if (isNewStart) isHeld.current = from !== undefined;
    if (isNewStart && from !== undefined) {
      const at = items.findIndex((one) => one.kind === 'message' && (one.message.seq ?? from) >= from);
      if (from === marked) handle.current?.scrollToIndex(at, { align: 'center' });
      // With its day, if it stands above it.
      else handle.current?.scrollToIndex(items[at - 1]?.kind === 'day' ? at - 1 : at);
      look();
    }
    // Follows what comes last, not what is loaded above it, or on the way to it.
    else if (isNewStart || (!current.hasNewer && (isUnsentLast || (isAtBottom && !isHeld.current)))) {
      isHeld.current = false;
      handle.current?.scrollToIndex(items.length - 1, { align: 'end' });
    } else look();
  }, [lastKey, start, hasNewer]);
  useEffect(() => {
    if (isAtBottom && isEndInSight()) setSeenSeq((seen) => Math.max(seen, lastSeq));
  }, [isAtBottom, lastSeq]);
  useEffect(() => {
    if (isAtBottom && hasNewer && !isLoading && isEndInSight()) void loadNewer();
  }, [isAtBottom, hasNewer, isLoading, loadNewer]);

  const onScroll = (offset: number) => {
    look();
    // Upwards only: what comes above moves everything down by itself.
    if (offset < EDGE_PX && offset < lastOffset.current && hasOlder && !isLoading) void loadOlder();
    lastOffset.current = offset;
  };
  // Without a scroll event: what was shorter than it was taken for.
  const onResize = () => {
    if (isEndInSight()) look();
  };
  const onMove = () => {
    isHeld.current = false;
  };
  const isShort = () => handle.current !== null && handle.current.scrollSize <= handle.current.viewportSize;
  useEffect(() => {
    if (hasOlder && !isLoading && isShort()) void loadOlder();
  }, [items, hasOlder, isLoading, loadOlder]);
  const unseen = messages.filter(
    ({ seq, from }) => seq !== undefined && seq > seenSeq && from !== userId,
  ).length;
  const newest = messages.findLast(({ from, seq }) => seq !== undefined && from !== userId);
  return (
    <div
      ref={box}
      className="timeline"
      role="log"
      aria-label={words.messages}
      aria-busy={isLoading}
      onWheel={onMove}
      onTouchMove={onMove}
      onPointerDown={onMove}
      onKeyDown={onMove}
    >
      {items.length === 0 && !isLoading && !error && <p className="hint centered">{words.noMessages}</p>}
      {error && (
        <p className="problem bar" role="alert">
          {words.didNotWork(error.message)}
        </p>
      )}
      <VList
        ref={handle}
        shift={isPrepended}
        onScroll={onScroll}
        onResize={onResize}
        className="scroll"
        tabIndex={0}
      >
        {items.map((item) => {
          if (item.kind === 'day') {
            return (
              <div key={item.key} className="day">
                <span>{dayOf(item.at, Date.now())}</span>
              </div>
            );
          }
          if (item.kind === 'new') {
            return (
              <div key={item.key} className="new-line">
                <span>{words.newLine}</span>
              </div>
            );
          }
          const { message, isFirst } = item;
          return (
            <MessageRow
              key={item.key}
              message={message}
              isFirst={isFirst}
              isOwn={message.from === userId}
              isRead={message.seq !== undefined && summary.peerReadSeq >= message.seq}
              isGroup={summary.kind === 'group'}
              onMarked={
                marked !== undefined && message.seq === marked ? () => setMarked(undefined) : undefined
              }
              answered={message.replyTo === undefined ? undefined : bySeq.get(message.replyTo)}
              nameOf={nameOf}
              actions={actions}
              onJump={(seq) => {
                setMarked(seq);
                const index = items.findIndex((one) => one.kind === 'message' && one.message.seq === seq);
                if (index < 0) return void list.showFrom(seq);
                isHeld.current = true;
                handle.current?.scrollToIndex(index, { align: 'center' });
                look();
              }}
            />
          );
        })}
      </VList>
      {(!isAtBottom || hasNewer) && (
        <button
          type="button"
          className="to-bottom"
          aria-label={words.toBottom}
          onClick={() =>
            hasNewer
              ? void list.showNewest()
              : handle.current?.scrollToIndex(items.length - 1, { align: 'end' })
          }
        >
          {unseen > 0 ? words.newMessages(unseen) : '↓'}
        </button>
      )}
      <p className="unseen" aria-live="polite">
        {!hasNewer && newest && newest.seq! > (unreadAfter ?? 0) && newest.seq === lastSeq
          ? words.newMessageFrom(nameOf(newest.from), textOf(newest))
          : ''}
      </p>
    </div>
  );
}
