// What an expression says, as its parser gives it.

/** `#ring[3]`: a placeholder of an attribute, then list indexes and placeholders of map keys. */
export interface Path {
  readonly root: string;
  readonly steps: readonly (number | string)[];
}

export type Operand =
  | { readonly kind: 'path'; readonly path: Path }
  /** `:one`. */
  | { readonly kind: 'value'; readonly name: string }
  | { readonly kind: 'size'; readonly of: Path };

export type Comparator = '=' | '<>' | '<' | '<=' | '>' | '>=';

export type Condition =
  | {
      readonly kind: 'comparison';
      readonly operator: Comparator;
      readonly left: Operand;
      readonly right: Operand;
    }
  | { readonly kind: 'between'; readonly operand: Operand; readonly low: Operand; readonly high: Operand }
  | { readonly kind: 'in'; readonly operand: Operand; readonly among: readonly Operand[] }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Condition[] }
  | { readonly kind: 'not'; readonly condition: Condition }
  | { readonly kind: 'exists' | 'missing'; readonly path: Path }
  | { readonly kind: 'type'; readonly path: Path; readonly type: Operand }
  | { readonly kind: 'beginsWith' | 'contains'; readonly operand: Operand; readonly part: Operand };

/** The right-hand side of a SET. */
export type Assigned =
  | Operand
  | { readonly kind: 'ifMissing'; readonly path: Path; readonly otherwise: Assigned }
  | { readonly kind: 'append' | 'plus' | 'minus'; readonly left: Assigned; readonly right: Assigned };

export interface Action {
  readonly kind: 'set' | 'remove' | 'add' | 'delete';
  readonly path: Path;
  /** What it is set to, or what is added or deleted. */
  readonly value?: Assigned;
}
