// An expression's text as tokens, read one after the other.
import { ValidationException } from '../errors.ts';

const token = /\s*(?:([#:]?\w+)|(<=|>=|<>|[=<>()[\].,+-]))/y;

export class Tokens {
  private readonly text: string;
  private readonly tokens: readonly string[];
  private position = 0;

  constructor(text: string) {
    this.text = text;
    this.tokens = tokenize(text);
  }

  get next(): string | undefined {
    return this.tokens[this.position];
  }

  /** The token after the next. */
  get second(): string | undefined {
    return this.tokens[this.position + 1];
  }

  take(): string {
    const taken = this.next;
    if (taken === undefined) throw this.unexpected();
    this.position++;
    return taken;
  }

  /** Words of the grammar may be written in either case. */
  isNext(expected: string): boolean {
    return this.next?.toUpperCase() === expected;
  }

  takeIf(expected: string): boolean {
    if (!this.isNext(expected)) return false;
    this.position++;
    return true;
  }

  expect(expected: string): void {
    if (!this.takeIf(expected)) throw this.unexpected();
  }

  /** From here to the parenthesis that closes what we are in there is nothing but another pair of them. */
  isOneGroup(): boolean {
    if (!this.isNext('(')) return false;
    let depth = 0;
    let index = this.position;
    do {
      if (this.tokens[index] === '(') depth++;
      if (this.tokens[index] === ')') depth--;
      index++;
    } while (depth > 0 && index < this.tokens.length);
    return this.tokens[index] === ')';
  }

  expectEnd(): void {
    if (this.next !== undefined) throw this.unexpected();
  }

  unexpected(): ValidationException {
    return new ValidationException(`Syntax error at ${this.next ?? 'the end'}: ${this.text}`);
  }
}

function tokenize(text: string): string[] {
  const tokens: string[] = [];
  const end = text.trimEnd().length;
  token.lastIndex = 0;
  while (token.lastIndex < end) {
    const match = token.exec(text);
    if (!match) throw new ValidationException(`Syntax error in: ${text}`);
    tokens.push(match[1] ?? match[2]!);
  }
  if (tokens.length === 0) throw new ValidationException('The expression can not be empty');
  return tokens;
}
