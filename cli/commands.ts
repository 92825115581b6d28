// What a line in the input means: a message, or a command that begins with a slash.
export type Command =
  | { readonly do: 'nothing' }
  | { readonly do: 'send'; readonly text: string }
  | { readonly do: 'open'; readonly user: string }
  | { readonly do: 'group'; readonly title: string; readonly users: readonly string[] }
  /** `back`: which of the messages of others, counted from the newest, which is 1. */
  | { readonly do: 'reply'; readonly back: number; readonly text: string }
  | { readonly do: 'react'; readonly back: number; readonly emoji: string }
  | { readonly do: 'search'; readonly query: string }
  /** `back`: which of the files, counted from the newest, which is 1. */
  | { readonly do: 'save'; readonly back: number }
  | { readonly do: 'recall' }
  | { readonly do: 'retry' }
  | { readonly do: 'discard' }
  | { readonly do: 'help' }
  | { readonly do: 'wrong'; readonly why: string };

export const help = [
  'Tab, Ctrl+N   the next conversation',
  'Ctrl+P        the previous one',
  'Enter         sends',
  '↑             edits your last message',
  'PgUp, PgDn    scroll',
  'Esc           cancels, closes',
  'Ctrl+C        quits',
  '/to bob       begins a conversation, or opens it',
  '/group "Lunch" bob carol',
  '/reply text   answers the newest message of others',
  '/react 👍     to it; the same again takes it back',
  '/reply #2 text, /react #2 👍   the one before it',
  '/search text  finds messages in the open conversation,',
  '              or in all of them if none is open',
  '/save, /save #2   the newest file, the one before it',
  '/recall       takes back your last message',
  '/retry, /discard   a message that was not sent',
  '//text        sends /text',
];

const wrong = (why: string): Command => ({ do: 'wrong', why });

export function parseCommand(line: string): Command {
  if (line.trim() === '') return { do: 'nothing' };
  if (!line.startsWith('/')) return { do: 'send', text: line };
  if (line.startsWith('//')) return { do: 'send', text: line.slice(1) };
  const [, name = '', rest = ''] = /^\/(\S*)\s*([^]*)$/.exec(line.trimEnd()) ?? [];
  switch (name) {
    case 'to':
      return /^\S+$/.test(rest) ? { do: 'open', user: rest } : wrong('/to wants one user: /to bob');
    case 'group':
      return parseGroup(rest);
    case 'reply': {
      const { back, text } = parseBack(rest);
      return text === '' ? wrong('/reply wants a text: /reply yes') : { do: 'reply', back, text };
    }
    case 'react': {
      const { back, text } = parseBack(rest);
      return /^\S+$/.test(text)
        ? { do: 'react', back, emoji: text }
        : wrong('/react wants one emoji: /react 👍');
    }
    case 'search':
      return rest === '' ? wrong('/search wants a text: /search lunch') : { do: 'search', query: rest };
    case 'save': {
      const [, back = '1'] = /^#([1-9]\d?)$/.exec(rest) ?? [];
      return rest === '' || rest === `#${back}`
        ? { do: 'save', back: Number(back) }
        : wrong('/save takes which file it is: /save #2');
    }
    case 'recall':
    case 'retry':
    case 'discard':
    case 'help':
      return rest === '' ? { do: name } : wrong(`/${name} takes nothing behind it`);
    default:
      return wrong(`/${name} is not known: /help; to send it as it is: //${name}`);
  }
}

function parseGroup(rest: string): Command {
  const [, quoted, word, names = ''] = /^(?:"([^"]+)"|([^\s"]+))(?:\s+([^]*))?$/.exec(rest) ?? [];
  const title = quoted ?? word;
  const users = names.split(/\s+/).filter((name) => name !== '');
  if (title === undefined || users.length === 0)
    return wrong('/group wants a title and users: /group "Lunch" bob carol');
  return { do: 'group', title, users };
}

function parseBack(rest: string): { readonly back: number; readonly text: string } {
  const [, back, text] = /^#([1-9]\d?)\s+([^]*)$/.exec(rest) ?? [];
  return back === undefined ? { back: 1, text: rest } : { back: Number(back), text: text ?? '' };
}
