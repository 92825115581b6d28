// What of a message is searched, and how texts are compared: NFKC and case make no difference, accents do.
import type { Item } from '../database.ts';

/** `é` is `é` however it was typed, a wide or half-wide letter is the letter, and `Σ` is `σ` and `ς`; `é` is not `e`. */
export function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase().replaceAll('ς', 'σ').normalize('NFKC');
}

/** The folded query, or nothing where nothing is left of it. Several words are looked for as the one text that they are. */
export function foldQuery(query: string): string | undefined {
  return fold(query).trim() || undefined;
}

/** Texts of a stored message that people read: what it says, and what its attachment is called. */
export function textsOf(item: Item): string[] {
  const { text, name } = JSON.parse(item['body'] as string) as Record<string, unknown>;
  const isNamed = item['type'] !== 'text' && item['type'] !== 'custom';
  return [text, ...(isNamed ? [name] : [])].filter((value) => typeof value === 'string');
}
