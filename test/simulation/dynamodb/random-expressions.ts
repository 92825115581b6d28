// Expressions of the grammar, drawn at random over few attributes, so that conditions hold about as often as not.
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import type { Item } from './attribute-values.ts';

/** Text with a `?` for each value. */
export interface Template {
  readonly text: string;
  readonly values: readonly AttributeValue[];
}

/** What an update does at one place, on a condition without which engines differ. */
interface Action extends Template {
  readonly section: 'SET' | 'REMOVE' | 'ADD' | 'DELETE';
  readonly target: string;
  readonly guard?: Template | undefined;
}

export interface Update extends Template {
  readonly guards: readonly Template[];
}

export interface Expressions {
  readonly condition?: Template | undefined;
  readonly update?: Update | undefined;
}

const text = fc.constantFrom('', 'a', 'ab', 'abc', 'b', 'ü', '\u{1F600}', '\uFFFD');
const bytes = fc.constantFrom([], [1], [1, 2], [2]).map((values) => new Uint8Array(values));
const number = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -1, max: 4 }).map(String) },
  { weight: 1, arbitrary: fc.constantFrom('0.5', '-2.25', '333.3333333333333', '9007199254740993') },
);

const stringValue = text.map((S): AttributeValue => ({ S }));
const bytesValue = bytes.map((B): AttributeValue => ({ B }));
const numberValue = number.map((N): AttributeValue => ({ N }));
const stringSet = fc.subarray(['a', 'ab', 'b'], { minLength: 1 }).map((SS): AttributeValue => ({ SS }));
const numberSet = fc.subarray(['1', '2', '3'], { minLength: 1 }).map((NS): AttributeValue => ({ NS }));
const bytesSet = fc.constant<AttributeValue>({ BS: [new Uint8Array([1]), new Uint8Array([2])] });
const scalar = fc.oneof(stringValue, numberValue, bytesValue);
const simple = fc.oneof(
  scalar,
  fc.boolean().map((BOOL): AttributeValue => ({ BOOL })),
  fc.constant<AttributeValue>({ NULL: true }),
);
const list = fc.array(simple, { maxLength: 4 }).map((L): AttributeValue => ({ L }));
const map = fc
  .record({ a: simple, b: scalar, l: list }, { requiredKeys: [] })
  .map((M): AttributeValue => ({ M: { ...M } as Item }));
const anyValue = fc.oneof(
  { weight: 4, arbitrary: simple },
  { weight: 3, arbitrary: fc.oneof(list, map, stringSet, numberSet, bytesSet) },
);

/** Attributes by what they mostly hold. */
export const attributes = fc.record(
  {
    n: fc.oneof({ weight: 5, arbitrary: numberValue }, { weight: 1, arbitrary: anyValue }),
    t: fc.oneof({ weight: 5, arbitrary: stringValue }, { weight: 1, arbitrary: anyValue }),
    l: fc.oneof({ weight: 5, arbitrary: list }, { weight: 1, arbitrary: anyValue }),
    m: fc.oneof({ weight: 5, arbitrary: map }, { weight: 1, arbitrary: anyValue }),
    s: fc.oneof({ weight: 5, arbitrary: stringSet }, { weight: 1, arbitrary: numberSet }),
  },
  { requiredKeys: [] },
);

const topPaths = ['#n', '#t', '#l', '#m', '#s'] as const;
const innerPaths = ['#l[0]', '#l[1]', '#l[3]', '#m.#a', '#m.#b', '#m.#l[0]'] as const;
const topPath = fc.constantFrom(...topPaths);
const innerPath = fc.constantFrom(...innerPaths);
const path = fc.constantFrom(...topPaths, ...innerPaths);

const value = (arbitrary: fc.Arbitrary<AttributeValue>) =>
  arbitrary.map((one): Template => ({ text: '?', values: [one] }));
const plain = (arbitrary: fc.Arbitrary<string>) =>
  arbitrary.map((one): Template => ({ text: one, values: [] }));

/** Joins templates, as the tag of a template literal. */
function join(
  strings: TemplateStringsArray,
  ...parts: readonly fc.Arbitrary<Template>[]
): fc.Arbitrary<Template> {
  return fc.tuple(...parts).map((drawn) => ({
    text: strings.map((string, index) => string + (drawn[index]?.text ?? '')).join(''),
    values: drawn.flatMap(({ values }) => values),
  }));
}

const anyPath = plain(path);
const order = plain(fc.constantFrom('<', '<=', '>', '>='));
const equality = plain(fc.constantFrom('=', '<>'));
const typeName = value(
  fc.constantFrom('S', 'N', 'B', 'L', 'M', 'BOOL', 'NULL', 'SS', 'NS', 'BS').map((S) => ({ S })),
);
const bounds = fc.oneof(
  fc.tuple(fc.integer({ min: -1, max: 2 }), fc.nat(3)).map(([low, more]): Template => ({
    text: '? AND ?',
    values: [{ N: String(low) }, { N: String(low + more) }],
  })),
  fc.constant<Template>({ text: '? AND ?', values: [{ S: 'a' }, { S: 'b' }] }),
);

/** Of strings and numbers, engines differ. */
const sizeTest = fc
  .tuple(path, fc.constantFrom('L', 'M', 'SS', 'NS', 'B'), order, numberValue)
  .map(([of, type, { text }, size]): Template => ({
    text: `(attribute_type(${of}, ?) AND size(${of}) ${text} ?)`,
    values: [{ S: type }, size],
  }));

const test = fc.oneof(
  join`attribute_exists(${anyPath})`,
  join`attribute_not_exists(${anyPath})`,
  join`attribute_type(${anyPath}, ${typeName})`,
  join`begins_with(${anyPath}, ${value(fc.oneof(stringValue, bytesValue))})`,
  join`contains(${anyPath}, ${value(scalar)})`,
  join`${anyPath} ${equality} ${value(anyValue)}`,
  join`${plain(topPath)} ${equality} ${plain(innerPath)}`,
  join`${anyPath} ${order} ${value(scalar)}`,
  join`${plain(topPath)} ${order} ${plain(innerPath)}`,
  sizeTest,
  join`${anyPath} BETWEEN ${bounds}`,
  join`${anyPath} IN (${value(simple)}, ${value(simple)})`,
);

export const condition = fc.letrec<{ condition: Template }>((tie) => ({
  condition: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 4, arbitrary: test },
    { weight: 1, arbitrary: join`${tie('condition')} AND ${tie('condition')}` },
    { weight: 1, arbitrary: join`${tie('condition')} OR ${tie('condition')}` },
    { weight: 1, arbitrary: join`(${tie('condition')} OR ${tie('condition')})` },
    { weight: 1, arbitrary: join`NOT ${tie('condition')}` },
    { weight: 1, arbitrary: join`NOT ${test}` },
  ),
})).condition;

const one = value(numberValue);
const some = value(list);
const assigned = fc.oneof(
  value(anyValue),
  anyPath,
  join`#n + ${one}`,
  join`#n - ${one}`,
  join`${one} + #l[0]`,
  join`if_not_exists(${anyPath}, ${value(simple)})`,
  join`if_not_exists(#n, ${one}) + ${one}`,
  join`list_append(#l, ${some})`,
  join`list_append(${some}, #l)`,
  join`list_append(if_not_exists(#l, ${some}), ${some})`,
);

const action = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(path, assigned)
      .map(([target, right]) => act('SET', target, right, ' = ', guardOf(target))),
  },
  { weight: 3, arbitrary: path.map((target) => act('REMOVE', target, nothing, '', guardOf(target))) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom('#n', '#t'), one).map(([target, added]) => act('ADD', target, added)),
  },
  { weight: 2, arbitrary: value(fc.oneof(stringSet, numberSet)).map((added) => act('ADD', '#s', added)) },
  {
    weight: 2,
    arbitrary: value(fc.oneof(stringSet, numberSet)).map((deleted) => act('DELETE', '#s', deleted)),
  },
);
const nothing: Template = { text: '', values: [] };

function act(
  section: Action['section'],
  target: string,
  right: Template,
  between = ' ',
  guard?: Template,
): Action {
  return { section, target, guard, text: `${target}${between}${right.text}`, values: right.values };
}

/**
 * DynamoDB refuses places in what is no list or map, and appends what is set behind the end of a list; dynoxide lets the
 * first pass, and fills the list up.
 */
function guardOf(target: string): Template | undefined {
  const inList = /^(.+)\[(\d)\]$/.exec(target);
  const index = Number(inList?.[2]);
  if (inList && index > 0) return { text: `attribute_exists(${inList[1]}[${index - 1}])`, values: [] };
  const holder = inList?.[1] ?? /^(.+)\.#\w$/.exec(target)?.[1];
  return holder === undefined
    ? undefined
    : { text: `attribute_type(${holder}, ?)`, values: [{ S: inList ? 'L' : 'M' }] };
}

export const update = fc.array(action, { minLength: 1, maxLength: 6 }).map((drawn): Update => {
  const actions: Action[] = [];
  for (const one of drawn) if (!actions.some(({ target }) => overlaps(target, one.target))) actions.push(one);
  const sections = [...new Set(actions.map(({ section }) => section))];
  const inOrder = sections.map((section) => actions.filter((one) => one.section === section));
  return {
    text: inOrder.map((some) => `${some[0]!.section} ${some.map(({ text }) => text).join(', ')}`).join(' '),
    values: inOrder.flat().flatMap(({ values }) => values),
    guards: actions.flatMap(({ guard }) => guard ?? []),
  };
});

/** DynamoDB refuses that; dynoxide, only some of it. */
function overlaps(left: string, right: string): boolean {
  const [short, long] = left.length < right.length ? [left, right] : [right, left];
  return long === short || long.startsWith(`${short}.`) || long.startsWith(`${short}[`);
}

/** A request's expressions with placeholders for every name and value. */
export function inputOf({ condition, update }: Expressions) {
  const values: Item = {};
  const numbered = (template: Template | undefined) => {
    const remaining = [...(template?.values ?? [])];
    return template?.text.replaceAll('?', () => {
      const name = `:v${Object.keys(values).length}`;
      values[name] = remaining.shift()!;
      return name;
    });
  };
  const UpdateExpression = numbered(update);
  const ConditionExpression = numbered(allOf([...(update?.guards ?? []), ...(condition ? [condition] : [])]));
  const used = new Set(`${UpdateExpression} ${ConditionExpression}`.match(/#\w+/g));
  return {
    ...(UpdateExpression && { UpdateExpression }),
    ...(ConditionExpression && { ConditionExpression }),
    ...(used.size > 0 && {
      ExpressionAttributeNames: Object.fromEntries([...used].map((name) => [name, name.slice(1)])),
    }),
    ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: values }),
  };
}

function allOf(conditions: readonly Template[]): Template | undefined {
  if (conditions.length < 2) return conditions[0];
  return {
    text: conditions
      .map(({ text }) => (isGroup(text) || !text.includes(' OR ') ? text : `(${text})`))
      .join(' AND '),
    values: conditions.flatMap(({ values }) => values),
  };
}

/** DynamoDB refuses parentheses around parentheses. */
function isGroup(text: string): boolean {
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    if (text[index] === '(') depth++;
    if (text[index] === ')') depth--;
    if (depth === 0) return index === text.length - 1;
  }
  return false;
}
