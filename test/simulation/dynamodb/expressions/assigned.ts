// Right-hand sides of SET.
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { ValidationException } from '../errors.ts';
import { minus, plus } from './arithmetic.ts';
import { compileOperand, compilePath, type Evaluate, type Placeholders } from './operands.ts';
import type { Assigned } from './syntax.ts';

export function compileAssigned(assigned: Assigned, placeholders: Placeholders): Evaluate {
  switch (assigned.kind) {
    case 'path':
    case 'value':
    case 'size':
      return compileOperand(assigned, placeholders);
    case 'ifMissing': {
      const present = compilePath(assigned.path, placeholders);
      const otherwise = compileAssigned(assigned.otherwise, placeholders);
      return (scope) => present(scope) ?? otherwise(scope);
    }
    case 'plus':
      return compileBinary(assigned.left, assigned.right, plus, placeholders);
    case 'minus':
      return compileBinary(assigned.left, assigned.right, minus, placeholders);
    case 'append':
      return compileBinary(assigned.left, assigned.right, append, placeholders);
  }
}

type Operation = (left: AttributeValue, right: AttributeValue) => AttributeValue;

/** Nothing comes of something that is not there; whoever needs a value refuses that. */
function compileBinary(
  left: Assigned,
  right: Assigned,
  operation: Operation,
  placeholders: Placeholders,
): Evaluate {
  const first = compileAssigned(left, placeholders);
  const second = compileAssigned(right, placeholders);
  return (scope) => {
    const one = first(scope);
    const other = second(scope);
    return one && other && operation(one, other);
  };
}

function append(left: AttributeValue, right: AttributeValue): AttributeValue {
  if (left.L && right.L) return { L: [...left.L, ...right.L] };
  throw new ValidationException('An operand in the update expression has an incorrect data type');
}
