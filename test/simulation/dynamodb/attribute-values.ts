// Attribute values as they go over the wire: their types, when two are equal, and which of two comes first. What is stored
// is never changed in place, so that items may be handed out as they are.
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { compareNumbers } from './numbers.ts';

export type Item = Record<string, AttributeValue>;
export type AttributeType = 'S' | 'N' | 'B' | 'L' | 'M' | 'BOOL' | 'NULL' | 'SS' | 'NS' | 'BS';

export function typeOf(value: AttributeValue): AttributeType {
  if (value.S !== undefined) return 'S';
  if (value.N !== undefined) return 'N';
  if (value.B !== undefined) return 'B';
  if (value.L !== undefined) return 'L';
  if (value.M !== undefined) return 'M';
  if (value.BOOL !== undefined) return 'BOOL';
  if (value.SS !== undefined) return 'SS';
  if (value.NS !== undefined) return 'NS';
  if (value.BS !== undefined) return 'BS';
  return 'NULL';
}

export function isEqual(left: AttributeValue, right: AttributeValue): boolean {
  if (left === right) return true;
  if (left.S !== undefined) return left.S === right.S;
  if (left.N !== undefined) return left.N === right.N;
  if (left.B !== undefined) return right.B !== undefined && isSameBytes(left.B, right.B);
  if (left.L !== undefined) return right.L !== undefined && isSameList(left.L, right.L);
  if (left.M !== undefined) return right.M !== undefined && isSameItem(left.M, right.M);
  if (left.BOOL !== undefined) return left.BOOL === right.BOOL;
  if (left.NULL !== undefined) return right.NULL !== undefined;
  const elements = setElements(left);
  const others = setElements(right);
  if (!elements || !others || typeOf(left) !== typeOf(right)) return false;
  return elements.length === others.length && elements.every((element) => includesElement(others, element));
}

export function isSameItem(left: Item, right: Item): boolean {
  const names = Object.keys(left);
  if (names.length !== Object.keys(right).length) return false;
  for (const name of names) {
    const other = right[name];
    if (other === undefined || !isEqual(left[name]!, other)) return false;
  }
  return true;
}

function isSameList(left: readonly AttributeValue[], right: readonly AttributeValue[]): boolean {
  return left.length === right.length && left.every((value, index) => isEqual(value, right[index]!));
}

function isSameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && startsWithBytes(left, right);
}

export function startsWithBytes(bytes: Uint8Array, prefix: Uint8Array): boolean {
  if (bytes.length < prefix.length) return false;
  for (let index = 0; index < prefix.length; index++) {
    if (bytes[index] !== prefix[index]) return false;
  }
  return true;
}

/** Undefined for values that have no order: of two types, or of one that is not a string, a number or bytes. */
export function compareValues(left: AttributeValue, right: AttributeValue): number | undefined {
  if (left.S !== undefined) return right.S === undefined ? undefined : compareStrings(left.S, right.S);
  if (left.N !== undefined) return right.N === undefined ? undefined : compareNumbers(left.N, right.N);
  if (left.B !== undefined) return right.B === undefined ? undefined : Buffer.compare(left.B, right.B);
  return undefined;
}

/** By their bytes in UTF-8, which is by code point: JavaScript's own order has surrogates before U+E000. */
export function compareStrings(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const first = left.charCodeAt(index);
    const second = right.charCodeAt(index);
    if (first !== second) return codePointRank(first) - codePointRank(second);
  }
  return left.length - right.length;
}

const codePointRank = (unit: number) => (unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit);

export type SetElement = string | Uint8Array;

export function setElements(value: AttributeValue): readonly SetElement[] | undefined {
  return value.SS ?? value.NS ?? value.BS;
}

export function includesElement(elements: readonly SetElement[], element: SetElement): boolean {
  if (typeof element === 'string') return elements.includes(element);
  return elements.some((other) => typeof other !== 'string' && isSameBytes(other, element));
}

/** A set of the same type; undefined for one without elements, which DynamoDB does not know. */
export function setOf(type: AttributeType, elements: readonly SetElement[]): AttributeValue | undefined {
  if (elements.length === 0) return undefined;
  return { [type]: elements } as unknown as AttributeValue;
}
