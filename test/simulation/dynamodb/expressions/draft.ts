// An item under update: only the lists and maps that are written to are copied.
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Item } from '../attribute-values.ts';
import { ValidationException } from '../errors.ts';
import { attribute } from './operands.ts';
import type { Path } from './syntax.ts';

type Container = Item | AttributeValue[];

export class Draft {
  readonly item: Item;
  private readonly names: Readonly<Record<string, string>>;
  /** Lists and maps that are this draft's own. */
  private readonly copies: Container[] = [];

  constructor(item: Item, names: Readonly<Record<string, string>>) {
    this.item = { ...item };
    this.names = names;
  }

  set(path: Path, value: AttributeValue): void {
    const place = this.containerOf(path);
    const step = this.lastStep(path);
    if (!Array.isArray(place)) place[step] = value;
    else if (Number(step) < place.length) place[Number(step)] = value;
    else place.push(value);
  }

  /** What is not there need not go, but its place must be one that could be. */
  remove(path: Path, isThere: boolean): void {
    const place = this.containerOf(path);
    if (!isThere) return;
    const step = this.lastStep(path);
    if (Array.isArray(place)) place.splice(Number(step), 1);
    else delete place[step];
  }

  private lastStep({ root, steps }: Path): string {
    const step = steps.at(-1) ?? root;
    return typeof step === 'number' ? String(step) : this.names[step]!;
  }

  private containerOf({ root, steps }: Path): Container {
    if (steps.length === 0) return this.item;
    let container = this.open(this.item, this.names[root]!);
    for (let index = 0; index < steps.length - 1; index++) {
      const step = steps[index]!;
      if (Array.isArray(container) !== (typeof step === 'number')) throw invalidPath();
      container = this.open(container, typeof step === 'number' ? step : this.names[step]!);
    }
    if (Array.isArray(container) !== (typeof steps.at(-1) === 'number')) throw invalidPath();
    return container;
  }

  /** The list or map that stands there, as one to write to. */
  private open(container: Container, step: string | number): Container {
    const value = Array.isArray(container) ? container[Number(step)] : attribute(container, String(step));
    const inner = value?.L ?? value?.M;
    if (!inner) throw invalidPath();
    if (this.copies.includes(inner)) return inner;
    const copy: Container = Array.isArray(inner) ? [...inner] : { ...inner };
    this.copies.push(copy);
    const fresh: AttributeValue = Array.isArray(copy) ? { L: copy } : { M: copy };
    if (Array.isArray(container)) container[Number(step)] = fresh;
    else container[step] = fresh;
    return copy;
  }
}

function invalidPath(): ValidationException {
  return new ValidationException('The document path provided in the update expression is invalid for update');
}
