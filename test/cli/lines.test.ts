// A conversation as lines: what of it is to be seen at 57 columns, as at 80×24.
import { describe, expect, test } from 'vitest';
import { linesOf, type LinesOptions } from '../../cli/lines.ts';
import type { Message } from '../../src/protocol/messages.ts';

const options: LinesOptions = {
  columns: 40,
  userId: 'alice',
  nameOf: (userId) => (userId === 'bob' ? 'Bob \u001b[31mB.' : userId),
  peerReadSeq: 2,
  isDirect: true,
};
const noon = new Date(2026, 10, 26, 12, 5).getTime();

function message(seq: number, from: string, text: string, more: Partial<Message> = {}): Message {
  return {
    conversationId: 'd:alice:bob',
    seq,
    clientMsgId: `message-${seq}`,
    serverTime: noon + seq * 60_000,
    from,
    deviceId: 'phone',
    type: 'text',
    body: { text },
    recalled: false,
    edited: null,
    silent: false,
    ...more,
  };
}

const texts = (messages: readonly Message[], more: Partial<LinesOptions> = {}) =>
  linesOf(messages, { ...options, ...more }).map(({ text }) => text);

describe('a message', () => {
  test('has its day, time and sender; own ones what became of them', () => {
    expect(
      texts([message(1, 'bob', 'hi'), message(2, 'alice', 'hello'), message(3, 'alice', 'there?')]),
    ).toEqual(['── 2026-11-26 ──', '12:06 Bob [31mB.: hi', '12:07 you: hello ✓✓', '12:08 you: there? ✓']);
    const group = texts([message(1, 'alice', 'all here?')], { isDirect: false });
    expect(group.at(-1)).toBe('12:06 you: all here? ✓');
  });

  test('never steers, whatever part of it tries', () => {
    const evil = '\u001b]0;evil\u0007\u009b2J';
    const shown = texts([
      message(1, 'bob', evil, { reactions: [{ emoji: evil, count: 1, users: ['bob'], mine: true }] }),
      message(2, 'bob', 'x', { type: 'file', body: { url: `https://x/${evil}`, name: evil } }),
      message(3, 'bob', 'x', { type: 'control', body: { op: 'group.created', title: evil } }),
      message(4, 'bob', 'x', { type: 'control', body: { op: 'group.role', userId: evil, role: evil } }),
      message(5, 'bob', 'answer', { replyTo: 1 }),
    ]);
    expect(shown.length).toBeGreaterThan(7);
    for (const text of shown) expect(text).not.toMatch(/\p{Cc}/u);
  });

  test('that answers another quotes it in one line', () => {
    const long = message(1, 'bob', 'word '.repeat(20));
    const shown = texts([
      long,
      message(2, 'alice', 'yes', { replyTo: 1 }),
      message(3, 'bob', 'no', { replyTo: 99 }),
    ]);
    expect(shown).toContain('      > Bob [31mB.: word word word word…');
    expect(shown).toContain('      > an earlier message');
  });

  test('says that it was edited, taken back, or reacted to', () => {
    const reactions = [{ emoji: '👍', count: 2, users: ['alice', 'bob'], mine: true }];
    const recalled = { recalled: true, body: {} };
    expect(
      texts([message(1, 'bob', 'hi', { edited: noon, reactions }), message(2, 'bob', '', recalled)]).slice(1),
    ).toEqual(['12:06 Bob [31mB.: hi (edited)', '      👍 2*', '12:07 Bob [31mB. took back a message']);
  });

  test('with an attachment has its link', () => {
    const body = { url: 'https://cdn.example.com/a.pdf', name: 'a.pdf', size: 12_300 };
    expect(texts([message(1, 'carol', '', { type: 'file', body })]).slice(1)).toEqual([
      '12:06 carol: [file, a.pdf, 12 KB]',
      '      https://cdn.example.com/a.pdf',
    ]);
  });

  test('of the server says who came and went, and nothing of what shows itself', () => {
    const control = (seq: number, body: Record<string, unknown>) =>
      message(seq, 'carol', '', { type: 'control', body });
    expect(
      texts([
        control(1, { op: 'group.added', users: ['dan', 'eve'] }),
        control(2, { op: 'group.left' }),
        control(3, { op: 'recall', seq: 1 }),
      ]).slice(1),
    ).toEqual(['* carol added dan, eve', '* carol left']);
  });
});

test('lines keep their keys when older ones come in', () => {
  const [first, second] = [message(1, 'bob', 'one\ntwo'), message(2, 'alice', 'three')];
  const before = linesOf([second], options).map(({ key }) => key);
  const after = linesOf([first, second], options).map(({ key }) => key);
  expect(after).toEqual(expect.arrayContaining(before));
  expect(new Set(after).size).toBe(after.length);
});
