// One message: who said what when, what became of it, and what can be done with it.
import { memo, useState } from 'react';
import type { Receipts } from '../src/client/conversation.ts';
import type { Message } from '../src/protocol/messages.ts';
import { AttachmentView } from './attachment.tsx';
import { Avatar } from './avatar.tsx';
import { attachmentOf, isEmojiOnly, textOf } from './texts.ts';
import { timeOfMessage, type Shown } from './timeline-items.ts';
import { timeOf } from './times.ts';
import { words } from './words.ts';

export interface MessageActions {
  readonly reply: (message: Message) => void;
  readonly edit: (message: Message) => void;
  readonly recall: (message: Message) => void;
  readonly react: (message: Message, emoji: string, isMine: boolean) => void;
  readonly receipts: (message: Message) => Promise<Receipts>;
}

interface RowProps {
  readonly message: Shown;
  readonly isFirst: boolean;
  readonly isOwn: boolean;
  /** By the other one of a direct conversation. */
  readonly isRead: boolean;
  readonly isGroup: boolean;
  /** Of the one that somebody came to see, marked for a moment: the moment is over. */
  readonly onMarked: (() => void) | undefined;
  /** The message that this one answers, if it is loaded. */
  readonly answered: Message | undefined;
  readonly nameOf: (userId: string) => string;
  readonly actions: MessageActions;
  readonly onJump: (seq: number) => void;
}

const QUICK = ['👍', '❤️', '😂', '🎉', '😮', '😢'];

export function MessageRow(props: RowProps) {
  const { message, isFirst, isOwn, onMarked, nameOf } = props;
  const [isChoosing, setChoosing] = useState(false);
  const name = nameOf(message.from);
  const sent = message.seq === undefined ? undefined : message;
  return (
    <article
      className={`message${isFirst ? ' is-first' : ''}${isOwn ? ' is-own' : ''}${onMarked ? ' is-marked' : ''}`}
      onAnimationEnd={onMarked}
      aria-label={`${isOwn ? words.you : name}, ${timeOf(timeOfMessage(message))}`}
    >
      <span className="gutter">
        {isFirst ? (
          <Avatar id={message.from} name={name} size={32} />
        ) : (
          <time>{timeOf(timeOfMessage(message))}</time>
        )}
      </span>
      <div className="said">
        {isFirst && (
          <header>
            <strong dir="auto">{isOwn ? words.you : name}</strong>{' '}
            <time>{timeOf(timeOfMessage(message))}</time>
          </header>
        )}
        <Content {...props} />
        {sent?.reactions && (
          <div className="reactions">
            {sent.reactions.map(({ emoji, count, users, mine }) => (
              <button
                key={emoji}
                type="button"
                className={mine ? 'chip is-mine' : 'chip'}
                aria-pressed={mine}
                title={users.map(nameOf).join(', ')}
                onClick={() => props.actions.react(sent, emoji, mine)}
              >
                {emoji} {count}
              </button>
            ))}
          </div>
        )}
        {isChoosing && sent && (
          <div className="reactions" role="group" aria-label={words.react}>
            {QUICK.map((emoji) => (
              <button
                key={emoji}
                type="button"
                className="chip"
                onClick={() => {
                  setChoosing(false);
                  props.actions.react(
                    sent,
                    emoji,
                    sent.reactions?.some((one) => one.emoji === emoji && one.mine) === true,
                  );
                }}
              >
                {emoji}
              </button>
            ))}
          </div>
        )}
        {isOwn && <Failure message={message} />}
      </div>
      {isOwn && <State {...props} />}
      {sent && !sent.recalled && (
        <Tools {...props} message={sent} onReact={() => setChoosing((open) => !open)} />
      )}
    </article>
  );
}

function Content({ message, isOwn, answered, nameOf, onJump }: RowProps) {
  if ('recalled' in message && message.recalled) {
    return <p className="recalled">{isOwn ? words.youRecalled : words.recalledBy(nameOf(message.from))}</p>;
  }
  const attachment = attachmentOf(message);
  const text = textOf(message);
  return (
    <>
      {message.replyTo !== undefined && (
        <button type="button" className="quote" onClick={() => onJump(message.replyTo!)}>
          <strong>{answered ? nameOf(answered.from) : words.gone}</strong>
          <span className="ellipsis">
            {answered && (answered.recalled ? words.recalledBy(nameOf(answered.from)) : textOf(answered))}
          </span>
        </button>
      )}
      {attachment && <AttachmentView key={attachment.url} message={message} attachment={attachment} />}
      {(!attachment || typeof message.body['text'] === 'string') && (
        <p className={isEmojiOnly(text) ? 'text is-emoji' : 'text'} dir="auto">
          <Linked text={text} />
          {'edited' in message && message.edited !== null && <small> {words.edited}</small>}
        </p>
      )}
    </>
  );
}

/** Addresses become links; nothing else of a text is markup. */
const Linked = memo(function Linked({ text }: { text: string }) {
  return text.split(/(https?:\/\/[^\s<>"']+)/).map((part, index) =>
    index % 2 === 0 ? (
      part
    ) : (
      <a key={index} href={part} target="_blank" rel="noreferrer noopener">
        {part}
      </a>
    ),
  );
});

/** What became of an own message that is not there, and what to do then. */
function Failure({ message }: { message: Shown }) {
  if (message.seq !== undefined || (message.state !== 'failed' && message.state !== 'rejected')) return null;
  const { state, error } = message;
  return (
    <p className="problem" role="alert">
      ⚠ {state === 'failed' ? words.notSent : words.notTaken(error?.message ?? '')}{' '}
      {state === 'failed' && (
        <button type="button" className="link" onClick={() => void message.retry().catch(() => {})}>
          {words.retry}
        </button>
      )}{' '}
      <button type="button" className="link" onClick={() => void message.discard().catch(() => {})}>
        {words.discard}
      </button>
    </p>
  );
}

/** Of an own message: on its way, there, read. */
function State({ message, isRead, isGroup, nameOf, actions }: RowProps) {
  const [receipts, setReceipts] = useState<Receipts>();
  if (message.seq === undefined) {
    const said = words.states[message.state];
    return (
      <span className="state" role="img" title={said} aria-label={said}>
        {message.state === 'sent'
          ? '✓'
          : message.state === 'failed' || message.state === 'rejected'
            ? '⚠'
            : '🕓'}
      </span>
    );
  }
  if (message.recalled) return null;
  if (!isGroup) {
    const said = isRead ? words.states.read : words.states.sent;
    return (
      <span className={isRead ? 'state is-read' : 'state'} role="img" title={said} aria-label={said}>
        {isRead ? '✓✓' : '✓'}
      </span>
    );
  }
  return (
    <span className="state">
      <button
        type="button"
        className="link"
        aria-label={words.readers}
        title={receipts?.read.map(({ userId }) => nameOf(userId)).join(', ') ?? words.readers}
        onClick={() => void actions.receipts(message).then(setReceipts, () => {})}
      >
        {receipts ? words.readBy(receipts.readCount) : '✓'}
      </button>
    </span>
  );
}

function Tools({
  message,
  isOwn,
  actions,
  onReact,
}: Omit<RowProps, 'message'> & { readonly message: Message; readonly onReact: () => void }) {
  return (
    <div className="tools">
      <button type="button" className="icon" title={words.react} aria-label={words.react} onClick={onReact}>
        ☺
      </button>
      <button
        type="button"
        className="icon"
        title={words.reply}
        aria-label={words.reply}
        onClick={() => actions.reply(message)}
      >
        ↩
      </button>
      {isOwn && message.type === 'text' && (
        <button
          type="button"
          className="icon"
          title={words.edit}
          aria-label={words.edit}
          onClick={() => actions.edit(message)}
        >
          ✎
        </button>
      )}
      {isOwn && (
        <button
          type="button"
          className="icon"
          title={words.recall}
          aria-label={words.recall}
          onClick={() => actions.recall(message)}
        >
          ⌫
        </button>
      )}
    </div>
  );
}
