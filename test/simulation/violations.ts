// What checks find, and what they share: which message is meant, and what it may read.
import type { Message } from '../../src/protocol/messages.ts';
import type { RunHistory, Sent } from './history.ts';

export interface Violation {
  readonly invariant:
    | 'I1'
    | 'I2'
    | 'I3'
    | 'I4'
    | 'I5'
    | 'I6'
    | 'I7'
    | 'I8'
    | 'I9'
    | 'I11'
    | 'P5'
    | 'P5.12a'
    | 'P5.21'
    | 'P5.34'
    | 'P7';
  readonly what: string;
}

export const name = (message: { conversationId: string; seq: number }) =>
  `${message.conversationId}/${message.seq}`;

export function isCopy(message: Message, one: Sent): boolean {
  return message.from === one.userId && message.clientMsgId === one.clientMsgId;
}

export const changesOf = ({ devices }: RunHistory, message: { conversationId: string; seq: number }) =>
  devices.flatMap(({ changes }) => changes).filter((change) => name(change) === name(message));

/** What a message may read, before and after it was edited. */
export function textsOf(history: RunHistory, message: Message): ReadonlySet<string | undefined> {
  const original = history.sent.find((one) => isCopy(message, one))?.text;
  return new Set([original, ...changesOf(history, message).map(({ text }) => text)]);
}

export function isVersion(history: RunHistory, message: Message, text: string | undefined): boolean {
  return text === undefined ? message.recalled : textsOf(history, message).has(text);
}
