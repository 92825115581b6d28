// The condition of a query: one partition, and a range of sort keys in it. Made once for each text.
import { boundsOf, type Bounds } from './bounds.ts';
import { typeOf, type Item } from './attribute-values.ts';
import { ValidationException } from './errors.ts';
import { Placeholders } from './expressions/operands.ts';
import { parseCondition } from './expressions/parser.ts';
import type { Comparator, Condition, Operand } from './expressions/syntax.ts';
import { compareSortKeys, type SortKey, type Table } from './table.ts';

export interface KeyCondition {
  readonly placeholders: Placeholders;
  readonly read: (table: Table, names: Readonly<Record<string, string>>, values: Item) => Range;
}

export interface Range {
  readonly partition: string;
  readonly bounds: Bounds;
}

/** `#sort <test> :operand`, or two operands. */
interface Test {
  readonly name: string;
  readonly test: Comparator | 'BETWEEN' | 'begins_with';
  readonly operands: readonly string[];
}

const parsed = new Map<string, KeyCondition>();

export function parseKeyCondition(text: string | undefined): KeyCondition {
  if (text === undefined)
    throw new ValidationException('Either KeyConditions or KeyConditionExpression must be given');
  const before = parsed.get(text);
  if (before) return before;
  const condition = parseCondition(text);
  const tests = (condition.kind === 'and' ? condition.parts : [condition]).map(toTest);
  const placeholders = new Placeholders();
  for (const { name, operands } of tests) {
    placeholders.names.add(name);
    for (const operand of operands) placeholders.values.add(operand);
  }
  const keyCondition: KeyCondition = {
    placeholders,
    read: (table, names, values) => readRange(tests, table, names, values),
  };
  parsed.set(text, keyCondition);
  return keyCondition;
}

function toTest(condition: Condition): Test {
  switch (condition.kind) {
    case 'comparison':
      return makeTest(condition.operator, condition.left, [condition.right]);
    case 'between':
      return makeTest('BETWEEN', condition.operand, [condition.low, condition.high]);
    case 'beginsWith':
      return makeTest('begins_with', condition.operand, [condition.part]);
    case 'and':
    case 'or':
    case 'not':
    case 'in':
    case 'exists':
    case 'missing':
    case 'type':
    case 'contains':
      throw new ValidationException('Invalid operator used in KeyConditionExpression');
  }
}

function makeTest(test: Test['test'], left: Operand, operands: readonly Operand[]): Test {
  if (test === '<>' || left.kind !== 'path' || left.path.steps.length > 0) throw invalid();
  const names = operands.map((operand) => {
    if (operand.kind === 'value') return operand.name;
    throw invalid();
  });
  return { name: left.path.root, test, operands: names };
}

function readRange(
  tests: readonly Test[],
  table: Table,
  names: Readonly<Record<string, string>>,
  values: Item,
): Range {
  const { partitionKey, sortKey } = table.definition;
  const ofPartition = tests.filter(({ name }) => names[name] === partitionKey);
  const ofSort = tests.filter(({ name }) => names[name] === sortKey.name);
  const [partition] = ofPartition;
  if (ofPartition.length !== 1 || partition?.test !== '=') throw missedKey(partitionKey);
  if (ofSort.length > 1 || ofSort.length + 1 < tests.length) throw missedKey(sortKey.name);
  const key = sortKeyOf(values[partition.operands[0]!], 'S');
  return { partition: String(key), bounds: boundsFor(ofSort[0], sortKey.type, values) };
}

function boundsFor(test: Test | undefined, type: 'S' | 'N', values: Item): Bounds {
  if (!test) return boundsOf.all;
  const [first, second] = test.operands.map((operand) => sortKeyOf(values[operand], type));
  switch (test.test) {
    case '=':
      return boundsOf.equal(first!);
    case '<':
      return boundsOf.less(first!);
    case '<=':
      return boundsOf.atMost(first!);
    case '>':
      return boundsOf.greater(first!);
    case '>=':
      return boundsOf.atLeast(first!);
    case 'BETWEEN':
      if (compareSortKeys(first!, second!) > 0) throw upsideDown();
      return boundsOf.between(first!, second!);
    case 'begins_with':
      if (typeof first !== 'string') throw invalid();
      return boundsOf.beginning(first);
    case '<>':
      throw invalid();
  }
}

function sortKeyOf(value: Item[string] | undefined, type: 'S' | 'N'): SortKey {
  const text = value?.[type];
  if (text === undefined) {
    const found = value && typeOf(value);
    throw new ValidationException(`Condition parameter type ${found} does not match schema type ${type}`);
  }
  if (text === '') throw new ValidationException('A key attribute may not be an empty string');
  return type === 'N' ? Number(text) : text;
}

const invalid = () => new ValidationException('Invalid KeyConditionExpression');
const missedKey = (name: string) =>
  new ValidationException(`Query condition missed key schema element: ${name}`);
const upsideDown = () =>
  new ValidationException(
    'The BETWEEN operator requires upper bound to be greater than or equal to lower bound',
  );
