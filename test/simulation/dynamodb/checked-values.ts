// What comes in from outside: values that DynamoDB would refuse are refused, numbers take their normal form; and how large
// an item is.
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { setElements, typeOf, type Item } from './attribute-values.ts';
import { ValidationException } from './errors.ts';
import { normalNumber } from './numbers.ts';

const MAX_ITEM_BYTES = 400 * 1024;
const LIST_OR_MAP_BYTES = 3;
const MAX_UTF8_BYTES_A_UNIT = 3;

/** The same object where nothing had to be changed. */
export function checkedItem(item: Item): Item {
  let checked = item;
  for (const name in item) {
    const value = item[name]!;
    const better = checkedValue(value);
    if (better === value) continue;
    if (checked === item) checked = { ...item };
    checked[name] = better;
  }
  return checked;
}

function checkedValue(value: AttributeValue): AttributeValue {
  if (value.S !== undefined || value.B !== undefined) return value;
  if (value.N !== undefined) {
    const number = normalNumber(value.N);
    return number === value.N ? value : { N: number };
  }
  if (value.L !== undefined) {
    const list = value.L;
    const checked = list.map(checkedValue);
    return checked.some((element, index) => element !== list[index]) ? { L: checked } : value;
  }
  if (value.M !== undefined) {
    const checked = checkedItem(value.M);
    return checked === value.M ? value : { M: checked };
  }
  const elements = setElements(value);
  if (!elements) return value;
  if (elements.length === 0) throw new ValidationException(`An ${typeOf(value)} may not be empty`);
  const checked = value.NS ? { NS: value.NS.map(normalNumber) } : value;
  const distinct = new Set(elements.map((element) => element.toString()));
  if (distinct.size < elements.length) throw new ValidationException('Input collection contains duplicates');
  return checked;
}

export function checkItemSize(item: Item): void {
  if (sizeAtMost(item) > MAX_ITEM_BYTES && itemBytes(item) > MAX_ITEM_BYTES) {
    throw new ValidationException('Item size has exceeded the maximum allowed size');
  }
}

/** Quicker than to encode every string. */
function sizeAtMost(item: Item): number {
  return measure(item, (text) => text.length * MAX_UTF8_BYTES_A_UNIT);
}

/** Of items that nobody changes any more. */
const sizes = new WeakMap<Item, number>();

export function itemBytes(item: Item): number {
  const known = sizes.get(item);
  if (known !== undefined) return known;
  const bytes = measure(item, (text) => Buffer.byteLength(text));
  sizes.set(item, bytes);
  return bytes;
}

type Measure = (text: string) => number;

function measure(item: Item, textBytes: Measure): number {
  let bytes = 0;
  for (const name in item) bytes += textBytes(name) + valueBytes(item[name]!, textBytes);
  return bytes;
}

function valueBytes(value: AttributeValue, textBytes: Measure): number {
  if (value.S !== undefined) return textBytes(value.S);
  if (value.N !== undefined) return numberBytes(value.N);
  if (value.B !== undefined) return value.B.length;
  if (value.L !== undefined) {
    let bytes = LIST_OR_MAP_BYTES;
    for (const element of value.L) bytes += 1 + valueBytes(element, textBytes);
    return bytes;
  }
  if (value.M !== undefined) {
    return LIST_OR_MAP_BYTES + Object.keys(value.M).length + measure(value.M, textBytes);
  }
  let bytes = 0;
  for (const element of value.SS ?? []) bytes += textBytes(element);
  for (const element of value.NS ?? []) bytes += numberBytes(element);
  for (const element of value.BS ?? []) bytes += element.length;
  return value.BOOL === undefined && value.NULL === undefined ? bytes : 1;
}

/** Two digits a byte, and one for the exponent. */
function numberBytes(number: string): number {
  return Math.ceil(number.length / 2) + 1;
}
