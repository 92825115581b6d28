// A conversation as lines of so many columns: what is drawn, apart from drawing it.
import type { OutgoingMessage } from '../src/client/outbox/outgoing.ts';
import type { Message } from '../src/protocol/messages.ts';
import { describeControl } from './control.ts';
import { clean, fit, oneLine, wrap } from './text.ts';

export interface Line {
  /** Unique in its conversation, whatever comes before or after it. */
  readonly key: string;
  readonly text: string;
  readonly look: 'own' | 'other' | 'aside' | 'trouble';
  /** Of the message that it belongs to. */
  readonly seq?: number;
}

export interface LinesOptions {
  readonly columns: number;
  readonly userId: string;
  readonly nameOf: (userId: string) => string;
  /** The other user of a direct conversation has read up to here. */
  readonly peerReadSeq: number;
  readonly isDirect: boolean;
}

type Shown = Message | OutgoingMessage;

const INDENT = '      ';

export function linesOf(messages: readonly Shown[], options: LinesOptions): Line[] {
  const bySeq = new Map(messages.flatMap((one) => (one.seq === undefined ? [] : [[one.seq, one] as const])));
  let day = '';
  return messages.flatMap((message) => {
    const lines = linesOfOne(message, bySeq, options);
    const [today, isNew] = [dayOf(timeOf(message)), dayOf(timeOf(message)) !== day];
    if (lines.length === 0 || !isNew) return lines;
    day = today;
    return [{ key: `day ${today}`, text: `── ${today} ──`, look: 'aside' as const }, ...lines];
  });
}

/** What a search found: a line a message, with its day. */
export function lineOfHit(
  message: Message,
  where: string,
  options: Pick<LinesOptions, 'columns' | 'userId' | 'nameOf'>,
): string {
  const when = `${dayOf(message.serverTime)} ${clock(message.serverTime)}`;
  const said = quote(message, options.userId, options.nameOf);
  return fit(`${when} ${where}${said}`, options.columns).trimEnd();
}

function linesOfOne(message: Shown, bySeq: ReadonlyMap<number, Shown>, options: LinesOptions): Line[] {
  const { columns, userId, nameOf } = options;
  const { seq, from } = message;
  const key = `${from} ${message.clientMsgId}`;
  const lines: Line[] = [];
  const put = (text: string, look: Line['look']) =>
    lines.push({ key: `${key} ${lines.length}`, text, look, ...(seq !== undefined && { seq }) });
  const name = (id: string) => oneLine(nameOf(id)) || id;

  if ('serverTime' in message && message.type === 'control') {
    const told = describeControl(message, name);
    if (told !== undefined) for (const line of wrap(`* ${told}`, columns)) put(line, 'aside');
    return lines;
  }
  const isOwn = from === userId;
  const who = `${clock(timeOf(message))} ${isOwn ? 'you' : name(from)}`;
  if (isRecalled(message)) {
    put(fit(`${who} took back a message`, columns).trimEnd(), 'aside');
    return lines;
  }
  if (message.replyTo !== undefined) {
    const quoted = bySeq.get(message.replyTo);
    put(
      fit(`${INDENT}> ${quoted ? quote(quoted, userId, name) : 'an earlier message'}`, columns).trimEnd(),
      'aside',
    );
  }
  const edited = 'edited' in message && message.edited !== null ? ' (edited)' : '';
  const mark = isOwn ? ` ${markOf(message, options)}` : '';
  const hanging = columns - INDENT.length;
  wrap(`${who}: ${textOf(message)}${edited}${mark}`, hanging, columns).forEach((text, index) =>
    put(index === 0 ? text : INDENT + text, isOwn ? 'own' : 'other'),
  );
  if (message.reactions?.length) {
    const counts = message.reactions.map(
      ({ emoji, count, mine }) => `${oneLine(emoji)} ${count}${mine ? '*' : ''}`,
    );
    for (const text of wrap(counts.join('  '), hanging)) put(INDENT + text, 'aside');
  }
  if ('error' in message && message.error) {
    const what = `not sent: ${oneLine(message.error.message)} (${message.state === 'failed' ? '/retry or ' : ''}/discard)`;
    for (const text of wrap(what, hanging)) put(INDENT + text, 'trouble');
  }
  return lines;
}

const isRecalled = (message: Shown) => 'recalled' in message && message.recalled;
const timeOf = (message: Shown) => ('serverTime' in message ? message.serverTime : message.createdAt);

/** Own messages: not sent yet, sent, read by the other. */
function markOf(message: Shown, { isDirect, peerReadSeq }: LinesOptions): string {
  if (message.seq !== undefined) return isDirect && message.seq <= peerReadSeq ? '✓✓' : '✓';
  if (!('state' in message)) return '✓';
  return message.state === 'sent'
    ? '✓'
    : message.state === 'failed' || message.state === 'rejected'
      ? '✗'
      : '◷';
}

function quote(message: Shown, userId: string, name: (id: string) => string): string {
  const text = isRecalled(message) ? 'a message that was taken back' : oneLine(textOf(message));
  return `${message.from === userId ? 'you' : name(message.from)}: ${text}`;
}

/** What a message says; of an attachment its name and its URL, which a terminal makes a link of. */
export function textOf({ type, body }: Pick<Shown, 'type' | 'body'>): string {
  const field = (name: string) => {
    const value: unknown = body[name];
    return typeof value === 'string' ? clean(value) : '';
  };
  if (type === 'text') return field('text');
  if (type === 'custom') return field('text') || '[something that this chat cannot show]';
  const size: unknown = body['size'];
  const told = [oneLine(field('name')), typeof size === 'number' ? bytes(size) : ''].filter(
    (one) => one !== '',
  );
  return `[${[type, ...told].join(', ')}] ${oneLine(field('url'))}`;
}

function bytes(size: number): string {
  if (size < 1_000) return `${size} B`;
  return size < 1_000_000 ? `${Math.round(size / 1_000)} KB` : `${(size / 1_000_000).toFixed(1)} MB`;
}

const two = (value: number) => String(value).padStart(2, '0');

function clock(timeMs: number): string {
  const time = new Date(timeMs);
  return `${two(time.getHours())}:${two(time.getMinutes())}`;
}

function dayOf(timeMs: number): string {
  const time = new Date(timeMs);
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
}
