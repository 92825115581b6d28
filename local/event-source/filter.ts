// Filter patterns of an event source mapping, with the meaning that Lambda gives them for DynamoDB streams.

export type Pattern = Readonly<Record<string, unknown>>;
export type EventFilter = (record: unknown) => boolean;

type Test = (value: unknown) => boolean;

/** Numbers in an image are text to a filter: Lambda has no numeric comparison for them. */
const imagePaths = /^dynamodb\.(Keys|NewImage|OldImage)\./;

/** Patterns are alternatives; without any, every record passes. @throws Error for what Lambda would refuse. */
export function compileFilters(patterns: readonly Pattern[]): EventFilter {
  if (patterns.length === 0) return () => true;
  const tests = patterns.map((pattern) => compilePattern(pattern, ''));
  return (record) => tests.some((test) => test(record));
}

/** Every key must match; a key that the record does not have is matched by `exists: false` alone. */
function compilePattern(pattern: Pattern, path: string): Test {
  const tests = Object.entries(pattern).map(([key, inner]): Test => {
    if (key === '$or') return compileAlternatives(inner, path);
    const test = compileField(inner, `${path}${key}`);
    return (value) => test(isObject(value) ? value[key] : undefined);
  });
  return (value) => tests.every((test) => test(value));
}

function compileAlternatives(alternatives: unknown, path: string): Test {
  if (!Array.isArray(alternatives) || alternatives.length < 2) {
    throw new Error(`Filter pattern: ${path}$or must be a list of two patterns or more`);
  }
  const tests = alternatives.map((alternative: Pattern) => compilePattern(alternative, path));
  return (value) => tests.some((test) => test(value));
}

function compileField(inner: unknown, path: string): Test {
  if (Array.isArray(inner)) return compileRules(inner, path);
  if (isObject(inner)) return compilePattern(inner, `${path}.`);
  throw new Error(`Filter pattern: ${path} must be a list of rules or an object`);
}

/** Rules are alternatives; of a list in the record, one element that matches is enough. */
function compileRules(rules: readonly unknown[], path: string): Test {
  if (rules.length === 0) throw new Error(`Filter pattern: ${path} is an empty list`);
  const tests = rules.map((rule) => compileRule(rule, path));
  return (value) =>
    tests.some((test) => (Array.isArray(value) ? value.some((element) => test(element)) : test(value)));
}

function compileRule(rule: unknown, path: string): Test {
  if (!isObject(rule)) return (value) => value === rule;
  const [[operator, operand] = ['', undefined], ...more] = Object.entries(rule);
  if (more.length > 0) throw new Error(`Filter pattern: ${path} has a rule of two operators`);
  switch (operator) {
    case 'prefix':
      return textTest(operand, path, (text, part) => text.startsWith(part));
    case 'suffix':
      return textTest(operand, path, (text, part) => text.endsWith(part));
    case 'equals-ignore-case':
      return textTest(operand, path, (text, part) => text.toLowerCase() === part.toLowerCase());
    case 'exists':
      // Leaves alone exist: an object is neither there nor missing.
      return operand === true
        ? (value) => value !== undefined && !isObject(value)
        : (value) => value === undefined;
    case 'anything-but':
      return compileAnythingBut(operand, path);
    case 'numeric':
      return compileNumeric(operand, path);
    default:
      throw new Error(`Filter pattern: ${path} has an unknown operator ${operator}`);
  }
}

function textTest(operand: unknown, path: string, holds: (text: string, part: string) => boolean): Test {
  if (typeof operand !== 'string')
    throw new Error(`Filter pattern: ${path} compares with something that is no text`);
  return (value) => typeof value === 'string' && holds(value, operand);
}

/** The field must be there: what is missing is not "anything". */
function compileAnythingBut(operand: unknown, path: string): Test {
  const excluded = isObject(operand) ? compileRule(operand, path) : compileRules([operand].flat(), path);
  return (value) => value !== undefined && !isObject(value) && !excluded(value);
}

const comparisons: Readonly<Record<string, (left: number, right: number) => boolean>> = {
  '=': (left, right) => left === right,
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
};

function compileNumeric(operand: unknown, path: string): Test {
  if (imagePaths.test(`${path}.`)) {
    throw new Error(`Filter pattern: ${path} is stored as text, numeric comparison is not supported there`);
  }
  const parts = Array.isArray(operand) ? (operand as unknown[]) : [];
  const tests: Test[] = [];
  for (let index = 0; index < parts.length; index += 2) {
    const compare = comparisons[String(parts[index])];
    const right = parts[index + 1];
    if (!compare || typeof right !== 'number')
      throw new Error(`Filter pattern: ${path} has a malformed numeric rule`);
    tests.push((value) => typeof value === 'number' && compare(value, right));
  }
  if (tests.length === 0) throw new Error(`Filter pattern: ${path} has an empty numeric rule`);
  return (value) => tests.every((test) => test(value));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
