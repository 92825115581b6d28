// The grammar of update expressions.
import { ValidationException } from '../errors.ts';
import { parseOperand, parsePath } from './parser.ts';
import type { Action, Assigned } from './syntax.ts';
import { Tokens } from './tokens.ts';

const sections = ['SET', 'REMOVE', 'ADD', 'DELETE'] as const;
type Section = (typeof sections)[number];

export function parseUpdate(text: string): Action[] {
  const tokens = new Tokens(text);
  const actions: Action[] = [];
  const seen = new Set<Section>();
  while (tokens.next !== undefined) {
    const section = sections.find((name) => tokens.takeIf(name));
    if (!section) throw tokens.unexpected();
    if (seen.has(section)) {
      throw new ValidationException(`The "${section}" section can only be used once in an update expression`);
    }
    seen.add(section);
    do actions.push(parseAction(tokens, section));
    while (tokens.takeIf(','));
  }
  return actions;
}

function parseAction(tokens: Tokens, section: Section): Action {
  const path = parsePath(tokens);
  switch (section) {
    case 'SET':
      tokens.expect('=');
      return { kind: 'set', path, value: parseAssigned(tokens) };
    case 'REMOVE':
      return { kind: 'remove', path };
    case 'ADD':
      return { kind: 'add', path, value: parseValue(tokens) };
    case 'DELETE':
      return { kind: 'delete', path, value: parseValue(tokens) };
  }
}

function parseValue(tokens: Tokens): Assigned {
  if (!tokens.next?.startsWith(':')) throw tokens.unexpected();
  return { kind: 'value', name: tokens.take() };
}

/** One operator at most. */
function parseAssigned(tokens: Tokens): Assigned {
  const left = parseTerm(tokens);
  if (tokens.takeIf('+')) return { kind: 'plus', left, right: parseTerm(tokens) };
  if (tokens.takeIf('-')) return { kind: 'minus', left, right: parseTerm(tokens) };
  return left;
}

function parseTerm(tokens: Tokens): Assigned {
  if (tokens.second !== '(') return parseOperand(tokens);
  const name = tokens.take();
  tokens.expect('(');
  const term = parseFunction(tokens, name);
  tokens.expect(')');
  return term;
}

function parseFunction(tokens: Tokens, name: string): Assigned {
  if (name === 'if_not_exists') {
    const path = parsePath(tokens);
    tokens.expect(',');
    return { kind: 'ifMissing', path, otherwise: parseTerm(tokens) };
  }
  if (name === 'list_append') {
    const left = parseTerm(tokens);
    tokens.expect(',');
    return { kind: 'append', left, right: parseTerm(tokens) };
  }
  throw new ValidationException(`Invalid function name; function: ${name}`);
}
