// What each key does. Keys that come in one piece with others, as over a slow line, do the same as one by one.
import type { Key } from 'ink';
import type { Chat } from './chat.ts';
import { backspace, deleteToStart, deleteWord, end, home, insert, left, right } from './editor.ts';
import { clean } from './text.ts';

export function press(chat: Chat, input: string, key: Key): void {
  const later = (work: Promise<void>) => void work.catch((error: unknown) => chat.complain(error));
  if (key.return) return later(chat.submit());
  if (key.tab) return later(chat.move(key.shift ? -1 : 1));
  if (key.escape) return chat.cancel();
  if (key.upArrow) return later(chat.editLast());
  if (key.leftArrow) return chat.write(left);
  if (key.rightArrow) return chat.write(right);
  if (key.home) return chat.write(home);
  if (key.end) return chat.write(end);
  if (key.backspace || key.delete) return chat.write(backspace);
  if (key.ctrl) return control(chat, input, later);
  if (key.meta) return;
  // Typed faster than it was read: each Enter in it is one.
  const [first = '', ...rest] = input.split(/\r\n|\r|\n/);
  if (first !== '') write(chat, first);
  for (const line of rest) {
    later(chat.submit());
    if (line !== '') write(chat, line);
  }
}

function control(chat: Chat, input: string, later: (work: Promise<void>) => void): void {
  if (input === 'n') later(chat.move(1));
  else if (input === 'p') later(chat.move(-1));
  else if (input === 'w') chat.write(deleteWord);
  else if (input === 'u') chat.write(deleteToStart);
  else if (input === 'a') chat.write(home);
  else if (input === 'e') chat.write(end);
}

/** Newlines of what is pasted stay: it is one message. */
export function write(chat: Chat, text: string): void {
  const safe = clean(text);
  chat.write((editor) => insert(editor, safe));
}
