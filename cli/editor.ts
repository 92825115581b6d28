// The line that is being written: a text and a cursor in it, and what keys do to them.
import { graphemes, widthOf } from './text.ts';

export interface Editor {
  readonly text: string;
  /** In code units; never within a character. */
  readonly cursor: number;
}

export const empty: Editor = { text: '', cursor: 0 };
export const editorOf = (text: string): Editor => ({ text, cursor: text.length });

const before = ({ text, cursor }: Editor) => text.slice(0, cursor);
const after = ({ text, cursor }: Editor) => text.slice(cursor);

export function insert(editor: Editor, typed: string): Editor {
  const head = before(editor) + typed;
  return { text: head + after(editor), cursor: head.length };
}

export function backspace(editor: Editor): Editor {
  const head = graphemes(before(editor)).slice(0, -1).join('');
  return { text: head + after(editor), cursor: head.length };
}

/** Ctrl+W */
export function deleteWord(editor: Editor): Editor {
  const head = before(editor).replace(/\S+\s*$|\s+$/, '');
  return { text: head + after(editor), cursor: head.length };
}

/** Ctrl+U */
export const deleteToStart = (editor: Editor): Editor => ({ text: after(editor), cursor: 0 });

export const left = (editor: Editor): Editor => ({
  ...editor,
  cursor: editor.cursor - (graphemes(before(editor)).at(-1)?.length ?? 0),
});
export const right = (editor: Editor): Editor => ({
  ...editor,
  cursor: editor.cursor + (graphemes(after(editor))[0]?.length ?? 0),
});
export const home = (editor: Editor): Editor => ({ ...editor, cursor: 0 });
export const end = (editor: Editor): Editor => ({ ...editor, cursor: editor.text.length });

/** The part of it that `width` columns show, and the column that the cursor is in. */
export function view(editor: Editor, width: number): { readonly shown: string; readonly column: number } {
  const onOneLine = (text: string) => graphemes(text.replaceAll('\n', '⏎'));
  const head = onOneLine(before(editor));
  let column = head.reduce((sum, one) => sum + widthOf(one), 0);
  // The end of what is before the cursor is always to be seen.
  while (column > width - 1) column -= widthOf(head.shift() ?? ' ');
  let shown = head.join('');
  let used = column;
  for (const one of onOneLine(after(editor))) {
    used += widthOf(one);
    if (used > width) break;
    shown += one;
  }
  return { shown, column };
}
