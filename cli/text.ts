// Text as a terminal can take it: without what would steer it, and in lines of so many columns.
import stringWidth from 'string-width';

export const widthOf = (text: string): number => stringWidth(text);

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
export const graphemes = (text: string): string[] =>
  Array.from(segmenter.segment(text), ({ segment }) => segment);

/** C0, DEL and C1 but the newline; lone surrogates; what turns the direction of the rest of a line; soft hyphens. */
const steering = /(?!\n)[\p{Cc}\p{Cs}\u00ad\u202a-\u202e\u2066-\u2069]/gu;

/** What others wrote, safe to print: no control character but the newline reaches the terminal. */
export function clean(text: string): string {
  return text
    .replaceAll(/\r\n?|[\u2028\u2029]/g, '\n')
    .replaceAll('\t', '  ')
    .replaceAll(steering, '');
}

/** The same on one line. */
export const oneLine = (text: string): string => clean(text).replaceAll(/\s+/g, ' ').trim();

/**
 * Lines of at most `width` columns, the first of at most `firstWidth`, which is no less; breaks words only where one is longer
 * than a line.
 */
export function wrap(text: string, width: number, firstWidth = width): string[] {
  // A wide character has to fit.
  const full = Math.max(2, width);
  const lines: string[] = [];
  let room = Math.max(full, firstWidth);
  for (const paragraph of text.split('\n')) {
    let line = '';
    let used = 0;
    const end = () => {
      lines.push(line.trimEnd());
      line = '';
      used = 0;
      room = full;
    };
    const put = (part: string) => {
      const partWidth = widthOf(part.trimEnd());
      if (used > 0 && used + partWidth > room) end();
      line += part;
      used += widthOf(part);
    };
    for (const word of paragraph.split(/(?<=\s)(?=\S)/)) {
      if (widthOf(word.trimEnd()) <= full) put(word);
      // Marks can be piled up on a character without end.
      else for (const one of graphemes(word)) put(widthOf(one) <= full ? one : '?');
    }
    end();
  }
  return lines;
}

/** Exactly `width` columns: cut, with an ellipsis, or filled up. */
export function fit(text: string, width: number): string {
  const whole = widthOf(text);
  if (whole <= width) return text + ' '.repeat(width - whole);
  let kept = '';
  let used = 0;
  for (const grapheme of graphemes(text)) {
    const next = used + widthOf(grapheme);
    if (next > width - 1) break;
    kept += grapheme;
    used = next;
  }
  return width > 0 ? `${kept}…${' '.repeat(width - 1 - used)}` : '';
}
