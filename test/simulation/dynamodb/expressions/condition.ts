// Conditions as functions, made once for each text.
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import {
  compareValues,
  includesElement,
  isEqual,
  setElements,
  startsWithBytes,
  typeOf,
} from '../attribute-values.ts';
import { ValidationException } from '../errors.ts';
import { compileOperand, compilePath, Placeholders, type Scope } from './operands.ts';
import { parseCondition } from './parser.ts';
import type { Comparator, Condition } from './syntax.ts';

export interface CompiledCondition {
  readonly placeholders: Placeholders;
  readonly holds: Test;
}

type Test = (scope: Scope) => boolean;

const compiled = new Map<string, CompiledCondition>();
const types = new Set<string | undefined>(['S', 'N', 'B', 'L', 'M', 'BOOL', 'NULL', 'SS', 'NS', 'BS']);

export function compileCondition(text: string): CompiledCondition {
  const before = compiled.get(text);
  if (before) return before;
  const placeholders = new Placeholders();
  const condition = { placeholders, holds: compile(parseCondition(text), placeholders) };
  compiled.set(text, condition);
  return condition;
}

function compile(condition: Condition, placeholders: Placeholders): Test {
  switch (condition.kind) {
    case 'and': {
      const parts = condition.parts.map((part) => compile(part, placeholders));
      return (scope) => parts.every((part) => part(scope));
    }
    case 'or': {
      const parts = condition.parts.map((part) => compile(part, placeholders));
      return (scope) => parts.some((part) => part(scope));
    }
    case 'not': {
      const test = compile(condition.condition, placeholders);
      return (scope) => !test(scope);
    }
    case 'exists': {
      const value = compilePath(condition.path, placeholders);
      return (scope) => value(scope) !== undefined;
    }
    case 'missing': {
      const value = compilePath(condition.path, placeholders);
      return (scope) => value(scope) === undefined;
    }
    case 'type': {
      const value = compilePath(condition.path, placeholders);
      const type = compileOperand(condition.type, placeholders);
      return (scope) => isOfType(value(scope), type(scope));
    }
    case 'beginsWith':
      return compileTest(condition.operand, condition.part, beginsWith, placeholders);
    case 'contains':
      return compileTest(condition.operand, condition.part, contains, placeholders);
    case 'comparison':
      return compileTest(condition.left, condition.right, comparisons[condition.operator], placeholders);
    case 'between': {
      const operand = compileOperand(condition.operand, placeholders);
      const low = compileOperand(condition.low, placeholders);
      const high = compileOperand(condition.high, placeholders);
      return (scope) => {
        const value = operand(scope);
        return isOrdered(low(scope), value, atMost) && isOrdered(value, high(scope), atMost);
      };
    }
    case 'in': {
      const operand = compileOperand(condition.operand, placeholders);
      const among = condition.among.map((one) => compileOperand(one, placeholders));
      return (scope) => {
        const value = operand(scope);
        return among.some((one) => comparisons['='](value, one(scope)));
      };
    }
  }
}

type Value = AttributeValue | undefined;
type Relation = (left: Value, right: Value) => boolean;
type Operands = Parameters<typeof compileOperand>[0];

function compileTest(left: Operands, right: Operands, test: Relation, placeholders: Placeholders): Test {
  const first = compileOperand(left, placeholders);
  const second = compileOperand(right, placeholders);
  return (scope) => test(first(scope), second(scope));
}

const atMost = (order: number) => order <= 0;

const comparisons: Record<Comparator, Relation> = {
  '=': (left, right) => left !== undefined && right !== undefined && isEqual(left, right),
  // Of something that is not there, too.
  '<>': (left, right) => left === undefined || right === undefined || !isEqual(left, right),
  '<': (left, right) => isOrdered(left, right, (order) => order < 0),
  '<=': (left, right) => isOrdered(left, right, atMost),
  '>': (left, right) => isOrdered(left, right, (order) => order > 0),
  '>=': (left, right) => isOrdered(left, right, (order) => order >= 0),
};

function isOrdered(left: Value, right: Value, test: (order: number) => boolean): boolean {
  if (left === undefined || right === undefined) return false;
  const order = compareValues(left, right);
  return order !== undefined && test(order);
}

function beginsWith(value: Value, prefix: Value): boolean {
  if (value === undefined || prefix === undefined) return false;
  if (value.S !== undefined && prefix.S !== undefined) return value.S.startsWith(prefix.S);
  return value.B !== undefined && prefix.B !== undefined && startsWithBytes(value.B, prefix.B);
}

/** A part of a string or of bytes, or an element of a list or of a set. */
function contains(value: Value, part: Value): boolean {
  if (value === undefined || part === undefined) return false;
  if (value.S !== undefined) return part.S !== undefined && value.S.includes(part.S);
  if (value.B !== undefined)
    return part.B !== undefined && Buffer.from(value.B).includes(Buffer.from(part.B));
  if (value.L !== undefined) return value.L.some((element) => isEqual(element, part));
  const elements = setElements(value);
  const element = part.S ?? part.N ?? part.B;
  if (!elements || element === undefined || typeOf(value) !== `${typeOf(part)}S`) return false;
  return includesElement(elements, element);
}

function isOfType(value: Value, type: Value): boolean {
  if (!types.has(type?.S)) throw new ValidationException(`Invalid attribute type name found: ${type?.S}`);
  return value !== undefined && typeOf(value) === type?.S;
}
