// What becomes of numbers and sets in an update.
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { includesElement, setElements, setOf, typeOf } from '../attribute-values.ts';
import { ValidationException } from '../errors.ts';
import { addNumbers, subtractNumbers } from '../numbers.ts';

type Value = AttributeValue | undefined;

export function plus(left: AttributeValue, right: AttributeValue): AttributeValue {
  if (left.N === undefined || right.N === undefined) throw incorrectType();
  return { N: addNumbers(left.N, right.N) };
}

export function minus(left: AttributeValue, right: AttributeValue): AttributeValue {
  if (left.N === undefined || right.N === undefined) throw incorrectType();
  return { N: subtractNumbers(left.N, right.N) };
}

export function addTo(value: Value, added: AttributeValue): AttributeValue {
  const elements = setElements(added);
  if (added.N === undefined && !elements) throw incorrectType();
  if (value === undefined) return added;
  if (!elements) return plus(value, added);
  const present = elementsAlike(value, added);
  const fresh = elements.filter((element) => !includesElement(present, element));
  return setOf(typeOf(value), [...present, ...fresh])!;
}

export function deleteFrom(value: Value, deleted: AttributeValue): Value {
  const elements = setElements(deleted);
  if (!elements) throw incorrectType();
  if (value === undefined) return undefined;
  const kept = elementsAlike(value, deleted).filter((element) => !includesElement(elements, element));
  return setOf(typeOf(value), kept);
}

function elementsAlike(value: AttributeValue, other: AttributeValue) {
  const elements = setElements(value);
  if (!elements || typeOf(value) !== typeOf(other)) throw incorrectType();
  return elements;
}

function incorrectType(): ValidationException {
  return new ValidationException('An operand in the update expression has an incorrect data type');
}
