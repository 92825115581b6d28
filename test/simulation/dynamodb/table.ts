// A table: items by partition, each partition in the order of its sort keys.
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { compareStrings, isSameItem, typeOf, type Item } from './attribute-values.ts';
import { ValidationException } from './errors.ts';
import type { Stream } from './stream.ts';

export interface TableDefinition {
  /** Of type S. */
  readonly partitionKey: string;
  readonly sortKey: { readonly name: string; readonly type: 'S' | 'N' };
  readonly stream: boolean;
}

export type SortKey = string | number;

export interface Key {
  readonly partition: string;
  readonly sort: SortKey;
}

export interface Entry {
  readonly sort: SortKey;
  item: Item;
}

export interface Write {
  readonly table: Table;
  readonly key: Key;
  /** Undefined: there was none, or there is none any more. */
  readonly before: Item | undefined;
  readonly after: Item | undefined;
}

const MAX_PARTITION_KEY_BYTES = 2048;
const MAX_SORT_KEY_BYTES = 1024;
const noEntries: readonly Entry[] = [];

export class Table {
  readonly name: string;
  readonly definition: TableDefinition;
  private readonly stream: Stream | undefined;
  private readonly partitions = new Map<string, Entry[]>();

  constructor(name: string, definition: TableDefinition, stream: Stream | undefined) {
    this.name = name;
    this.definition = definition;
    this.stream = stream;
  }

  get(key: Key): Item | undefined {
    const entries = this.entries(key.partition);
    const entry = entries[this.firstFrom(entries, key.sort)];
    return entry?.sort === key.sort ? entry.item : undefined;
  }

  entries(partition: string): readonly Entry[] {
    return this.partitions.get(partition) ?? noEntries;
  }

  /** Index of the first entry that does not come before this sort key. */
  firstFrom(entries: readonly Entry[], sort: SortKey): number {
    let low = 0;
    let high = entries.length;
    // Timelines grow at their end.
    if (high > 0 && compareSortKeys(entries[high - 1]!.sort, sort) < 0) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareSortKeys(entries[middle]!.sort, sort) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** A write that changes nothing is none for the stream. */
  apply({ key, before, after }: Write, author?: 'ttl'): void {
    if (before === after) return;
    if (after) this.put(key, after);
    else this.remove(key);
    if (before && after && this.stream && isSameItem(before, after)) return;
    this.stream?.append({ keys: this.keysOf((after ?? before)!), before, after, author });
  }

  /** Nothing of that is in the stream. */
  clear(): void {
    this.partitions.clear();
  }

  *items(): Generator<Item> {
    for (const entries of this.partitions.values()) for (const { item } of entries) yield item;
  }

  /** Of an item that is to be written: it may have other attributes. */
  keyOf(item: Item): Key {
    const { partitionKey, sortKey } = this.definition;
    const partition = checkedKey(item[partitionKey], 'S', MAX_PARTITION_KEY_BYTES);
    const sort = checkedKey(item[sortKey.name], sortKey.type, MAX_SORT_KEY_BYTES);
    return { partition, sort: sortKey.type === 'N' ? Number(sort) : sort };
  }

  /** Of a request that names an item by its key, and by nothing else. */
  exactKeyOf(attributes: Item | undefined): Key {
    if (!attributes || Object.keys(attributes).length !== 2) {
      throw new ValidationException('The provided key element does not match the schema');
    }
    return this.keyOf(attributes);
  }

  keysOf(item: Item): Item {
    const { partitionKey, sortKey } = this.definition;
    return { [partitionKey]: item[partitionKey]!, [sortKey.name]: item[sortKey.name]! };
  }

  isKeyAttribute(name: string): boolean {
    return name === this.definition.partitionKey || name === this.definition.sortKey.name;
  }

  private put({ partition, sort }: Key, item: Item): void {
    const entries = this.partitions.get(partition);
    if (!entries) return void this.partitions.set(partition, [{ sort, item }]);
    const index = this.firstFrom(entries, sort);
    const entry = entries[index];
    if (entry?.sort === sort) entry.item = item;
    else if (entry) entries.splice(index, 0, { sort, item });
    else entries.push({ sort, item });
  }

  private remove({ partition, sort }: Key): void {
    const entries = this.partitions.get(partition)!;
    entries.splice(this.firstFrom(entries, sort), 1);
    if (entries.length === 0) this.partitions.delete(partition);
  }
}

export function compareSortKeys(left: SortKey, right: SortKey): number {
  if (typeof left === 'number') return left - (right as number);
  return compareStrings(left, right as string);
}

function checkedKey(value: AttributeValue | undefined, type: 'S' | 'N', maximumBytes: number): string {
  const text = value?.[type];
  if (text === undefined) {
    const found = value ? `type ${typeOf(value)}` : 'nothing';
    throw new ValidationException(`A key attribute must be of type ${type}, and there is ${found}`);
  }
  if (text === '') throw new ValidationException('A key attribute may not be an empty string');
  if (text.length > maximumBytes / 3 && Buffer.byteLength(text) > maximumBytes) {
    throw new ValidationException(`Size of a key attribute is above ${maximumBytes} bytes`);
  }
  return text;
}
