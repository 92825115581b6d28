// The grammar of condition expressions. Attributes go by `#placeholders` only, as in the whole project: the model knows no
// reserved words, and so could not say which bare names DynamoDB refuses.
import { isDeepStrictEqual } from 'node:util';
import { ValidationException } from '../errors.ts';
import type { Comparator, Condition, Operand, Path } from './syntax.ts';
import { Tokens } from './tokens.ts';

const comparators = new Set<string>(['=', '<>', '<', '<=', '>', '>=']);

export function parseCondition(text: string): Condition {
  const tokens = new Tokens(text);
  const condition = parseOr(tokens);
  tokens.expectEnd();
  return condition;
}

function parseOr(tokens: Tokens): Condition {
  const parts = [parseAnd(tokens)];
  while (tokens.takeIf('OR')) parts.push(parseAnd(tokens));
  return parts.length === 1 ? parts[0]! : { kind: 'or', parts };
}

function parseAnd(tokens: Tokens): Condition {
  const parts = [parseNot(tokens)];
  while (tokens.takeIf('AND')) parts.push(parseNot(tokens));
  return parts.length === 1 ? parts[0]! : { kind: 'and', parts };
}

function parseNot(tokens: Tokens): Condition {
  if (tokens.takeIf('NOT')) return { kind: 'not', condition: parseNot(tokens) };
  return tokens.isNext('(') ? parseGroup(tokens) : parseTest(tokens);
}

function parseGroup(tokens: Tokens): Condition {
  tokens.expect('(');
  if (tokens.isOneGroup()) throw new ValidationException('The expression has redundant parentheses');
  const condition = parseOr(tokens);
  tokens.expect(')');
  return condition;
}

function parseTest(tokens: Tokens): Condition {
  if (tokens.second === '(' && tokens.next !== 'size') return parseFunction(tokens);
  const left = parseOperand(tokens);
  if (tokens.takeIf('BETWEEN')) {
    const low = parseOperand(tokens);
    tokens.expect('AND');
    return { kind: 'between', operand: left, low, high: parseOperand(tokens) };
  }
  if (tokens.takeIf('IN')) return { kind: 'in', operand: left, among: parseOperands(tokens) };
  if (!comparators.has(tokens.next ?? '')) throw tokens.unexpected();
  const operator = tokens.take() as Comparator;
  const right = parseOperand(tokens);
  if (isDeepStrictEqual(left, right)) {
    throw new ValidationException('The first operand must be distinct from the remaining operands');
  }
  return { kind: 'comparison', operator, left, right };
}

function parseFunction(tokens: Tokens): Condition {
  const name = tokens.take();
  const operands = parseOperands(tokens);
  const [first, second] = operands;
  const path = first?.kind === 'path' ? first.path : undefined;
  const isUnary = operands.length === 1 && path;
  const isBinary = operands.length === 2 && first && second;
  if (name === 'attribute_exists' && isUnary) return { kind: 'exists', path };
  if (name === 'attribute_not_exists' && isUnary) return { kind: 'missing', path };
  if (name === 'attribute_type' && isBinary && path) return { kind: 'type', path, type: second };
  if (name === 'begins_with' && isBinary) return { kind: 'beginsWith', operand: first, part: second };
  if (name === 'contains' && isBinary) return { kind: 'contains', operand: first, part: second };
  throw new ValidationException(`Invalid function name or operands; function: ${name}`);
}

function parseOperands(tokens: Tokens): Operand[] {
  tokens.expect('(');
  const operands = [parseOperand(tokens)];
  while (tokens.takeIf(',')) operands.push(parseOperand(tokens));
  tokens.expect(')');
  return operands;
}

export function parseOperand(tokens: Tokens): Operand {
  if (tokens.next?.startsWith(':')) return { kind: 'value', name: tokens.take() };
  if (tokens.next !== 'size' || tokens.second !== '(') return { kind: 'path', path: parsePath(tokens) };
  tokens.take();
  tokens.expect('(');
  const of = parsePath(tokens);
  tokens.expect(')');
  return { kind: 'size', of };
}

export function parsePath(tokens: Tokens): Path {
  const root = parseName(tokens);
  const steps: (number | string)[] = [];
  for (;;) {
    if (tokens.takeIf('.')) steps.push(parseName(tokens));
    else if (tokens.takeIf('[')) {
      if (!/^\d+$/.test(tokens.next ?? '')) throw tokens.unexpected();
      steps.push(Number(tokens.take()));
      tokens.expect(']');
    } else return { root, steps };
  }
}

function parseName(tokens: Tokens): string {
  if (tokens.next && /^[A-Za-z]/.test(tokens.next)) {
    throw new Error(`The model knows attributes by #placeholders only, not ${tokens.next}`);
  }
  if (!tokens.next?.startsWith('#')) throw tokens.unexpected();
  return tokens.take();
}
