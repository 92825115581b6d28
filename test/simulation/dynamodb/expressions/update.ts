// Updates as functions, made once for each text. Every right-hand side sees the item as it was.
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Item } from '../attribute-values.ts';
import { ValidationException } from '../errors.ts';
import { compileAssigned } from './assigned.ts';
import { addTo, deleteFrom } from './arithmetic.ts';
import { Draft } from './draft.ts';
import { compilePath, Placeholders, type Evaluate, type Scope } from './operands.ts';
import { checkOverlaps } from './overlaps.ts';
import type { Action, Path } from './syntax.ts';
import { parseUpdate } from './update-parser.ts';

export interface CompiledUpdate {
  readonly placeholders: Placeholders;
  /** The paths that it writes. */
  readonly paths: readonly Path[];
  /** The item after it; the one in the scope stays as it is. */
  readonly apply: (scope: Scope) => Item;
}

interface Write {
  readonly path: Path;
  /** Undefined removes what is there. */
  readonly value: Evaluate;
  readonly isThere: Evaluate;
}

const compiled = new Map<string, CompiledUpdate>();

export function compileUpdate(text: string): CompiledUpdate {
  const before = compiled.get(text);
  if (before) return before;
  const actions = parseUpdate(text);
  const paths = actions.map(({ path }) => path);
  checkOverlaps(paths);
  const placeholders = new Placeholders();
  const writes = inOrder(actions).map((action) => compileAction(action, placeholders));
  const update = { placeholders, paths, apply: (scope: Scope) => apply(writes, scope) };
  compiled.set(text, update);
  return update;
}

function apply(writes: readonly Write[], scope: Scope): Item {
  const values = writes.map(({ value }) => value(scope));
  const draft = new Draft(scope.item, scope.names);
  for (let index = 0; index < writes.length; index++) {
    const { path, isThere } = writes[index]!;
    const value: AttributeValue | undefined = values[index];
    if (value !== undefined) draft.set(path, value);
    // An element that a SET has just appended is not the one that is to go.
    else draft.remove(path, isThere(scope) !== undefined);
  }
  return draft.item;
}

function compileAction({ kind, path, value }: Action, placeholders: Placeholders): Write {
  const isThere = compilePath(path, placeholders);
  if (!value) return { path, isThere, value: () => undefined };
  const operand = compileAssigned(value, placeholders);
  const given = (scope: Scope) => {
    const result = operand(scope);
    if (result !== undefined) return result;
    throw new ValidationException(
      'The provided expression refers to an attribute that does not exist in the item',
    );
  };
  switch (kind) {
    case 'set':
      return { path, isThere, value: given };
    case 'add':
      return { path, isThere, value: (scope) => addTo(isThere(scope), given(scope)) };
    case 'delete':
      return { path, isThere, value: (scope) => deleteFrom(isThere(scope), given(scope)) };
    case 'remove':
      throw new Error('A REMOVE has no value');
  }
}

/** What is appended to a list comes in the order of the indexes; what goes, from the end: so indexes stay true. */
function inOrder(actions: readonly Action[]): Action[] {
  const removed = actions.filter(({ kind }) => kind === 'remove').toSorted(byIndexes);
  const written = actions.filter(({ kind }) => kind !== 'remove').toSorted(byIndexes);
  return [...written, ...removed.toReversed()];
}

function byIndexes({ path: left }: Action, { path: right }: Action): number {
  for (const [place, step] of left.steps.entries()) {
    const other = right.steps[place];
    if (typeof step === 'number' && typeof other === 'number' && step !== other) return step - other;
  }
  return 0;
}
