// Values of secrets that the template only describes.
import type { PasswordModel, SecretSource } from '../model.ts';

/** A whole number from 0 up to, and without, the one that is given. */
export type Draw = (below: number) => number;

export function makeSecret(source: SecretSource, draw: Draw): string {
  if (source.kind === 'given') return source.value;
  const password = makePassword(source.password, draw);
  const { placedIn } = source;
  return placedIn ? JSON.stringify({ ...placedIn.content, [placedIn.key]: password }) : password;
}

function makePassword({ length, alphabets, requireEachAlphabet }: PasswordModel, draw: Draw): string {
  const pick = (alphabet: string) => alphabet[draw(alphabet.length)]!;
  const all = alphabets.join('');
  const required = requireEachAlphabet ? alphabets.map(pick) : [];
  const others = Array.from({ length: length - required.length }, () => pick(all));
  return shuffle([...required, ...others], draw).join('');
}

/** Fisher and Yates: the required ones may stand anywhere. */
function shuffle(characters: string[], draw: Draw): string[] {
  for (let last = characters.length - 1; last > 0; last--) {
    const other = draw(last + 1);
    [characters[last], characters[other]] = [characters[other]!, characters[last]!];
  }
  return characters;
}
