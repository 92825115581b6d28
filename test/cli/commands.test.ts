// What lines mean, and what keys do to the one that is being written.
import { describe, expect, test } from 'vitest';
import { help, parseCommand } from '../../cli/commands.ts';
import {
  backspace,
  deleteToStart,
  deleteWord,
  editorOf,
  end,
  home,
  insert,
  left,
  right,
  view,
} from '../../cli/editor.ts';
import { widthOf } from '../../cli/text.ts';

describe('a line', () => {
  test('is a message, as it is', () => {
    expect(parseCommand(' hi there ')).toEqual({ do: 'send', text: ' hi there ' });
    expect(parseCommand('two\nlines')).toEqual({ do: 'send', text: 'two\nlines' });
    expect(parseCommand('//to be')).toEqual({ do: 'send', text: '/to be' });
    expect(parseCommand('  ')).toEqual({ do: 'nothing' });
  });

  test('or a command', () => {
    expect(parseCommand('/to bob')).toEqual({ do: 'open', user: 'bob' });
    expect(parseCommand('/group Lunch bob  carol')).toEqual({
      do: 'group',
      title: 'Lunch',
      users: ['bob', 'carol'],
    });
    expect(parseCommand('/group "Lunch at 12" bob')).toEqual({
      do: 'group',
      title: 'Lunch at 12',
      users: ['bob'],
    });
    expect(parseCommand('/reply yes, 3')).toEqual({ do: 'reply', back: 1, text: 'yes, 3' });
    expect(parseCommand('/reply #2 yes')).toEqual({ do: 'reply', back: 2, text: 'yes' });
    expect(parseCommand('/react 👍 ')).toEqual({ do: 'react', back: 1, emoji: '👍' });
    expect(parseCommand('/react #3 👍')).toEqual({ do: 'react', back: 3, emoji: '👍' });
    expect(parseCommand('/search lunch at')).toEqual({ do: 'search', query: 'lunch at' });
    expect(parseCommand('/save')).toEqual({ do: 'save', back: 1 });
    expect(parseCommand('/save #2')).toEqual({ do: 'save', back: 2 });
    for (const name of ['recall', 'retry', 'discard', 'help'] as const)
      expect(parseCommand(`/${name}`)).toEqual({ do: name });
  });

  test.each([
    '/',
    '/nonsense',
    '/to',
    '/to bob carol',
    '/group',
    '/group Lunch',
    '/reply',
    '/react',
    '/react a b',
    '/search',
    '/recall it',
    '/save it',
    '/save 2',
  ])('that is none says why: %s', (line) => {
    const { why } = parseCommand(line) as { why?: string };
    expect(why).toMatch(/^\//);
  });

  test('of the help fits the pane of a terminal with 80 columns, all of them above the input', () => {
    expect(help.length).toBeLessThanOrEqual(22);
    for (const line of help) expect(widthOf(line), line).toBeLessThanOrEqual(56);
  });
});

describe('the line that is being written', () => {
  test('takes keys by whole characters', () => {
    const written = editorOf('hi 👩‍🚀!');
    expect(backspace(left(written))).toEqual({ text: 'hi !', cursor: 3 });
    expect(insert(left(left(written)), 'oh ')).toEqual({ text: 'hi oh 👩‍🚀!', cursor: 6 });
    expect(right(home(written)).cursor).toBe(1);
    expect(right(right(left(left(written))))).toEqual(written);
    expect(left(home(written)).cursor).toBe(0);
    expect(right(end(written))).toEqual(written);
    expect(backspace(home(written))).toEqual(home(written));
    expect(deleteWord(editorOf('one two  '))).toEqual(editorOf('one '));
    expect(deleteToStart({ text: 'one two', cursor: 4 })).toEqual({ text: 'two', cursor: 0 });
  });

  test('shows where the cursor is, however long it is', () => {
    expect(view(editorOf('short'), 10)).toEqual({ shown: 'short', column: 5 });
    expect(view(editorOf('0123456789abc'), 10)).toEqual({ shown: '456789abc', column: 9 });
    expect(view(home(editorOf('0123456789abc')), 10)).toEqual({ shown: '0123456789', column: 0 });
    expect(view(editorOf('你好你好你好'), 6)).toEqual({ shown: '你好', column: 4 });
    expect(view(editorOf('a\nb'), 10)).toEqual({ shown: 'a⏎b', column: 3 });
  });
});
