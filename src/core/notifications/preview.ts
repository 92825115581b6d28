// What a notification shows of a message.
import type { Message } from '../../protocol/messages.ts';
import type { Settings } from '../settings.ts';

/** A screen shows less. */
const MAX_CHARACTERS = 200;
/** Some characters are made of very many others. */
const MAX_UNITS = 1_000;

/** Whatever kind of message it is, a `text` in its body says more of it than its type. */
export function previewOf({ type, body }: Message, wordings: Settings['previewWordings']): string {
  const text = body['text'];
  if (typeof text === 'string' && text.trim() !== '') return shorten(text.trim());
  if (type === 'file' && typeof body['name'] === 'string')
    return shorten(`${wordings.file}: ${body['name']}`);
  return type === 'text' || type === 'control' ? '' : wordings[type];
}

/** Between characters as people see them: half of an emoji is none. */
function shorten(text: string): string {
  let shown = '';
  let characters = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    characters += 1;
    if (characters > MAX_CHARACTERS || shown.length + segment.length > MAX_UNITS) return `${shown}…`;
    shown += segment;
  }
  return text;
}
