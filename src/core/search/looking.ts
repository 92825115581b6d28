// One request of a search: what it looks for, what it has found, and when it has to stop.
import type { Message } from '../../protocol/messages.ts';
import { ANSWER_BYTES, withinBytes } from '../answer-size.ts';
import type { Context } from '../context.ts';
import type { Item } from '../database.ts';
import { hasExpired } from '../expiry.ts';
import { keyOf, readSlotItems, toSlot, type SlotKey } from '../timeline.ts';
import { Bounds } from './bounds.ts';
import type { Position } from './cursor.ts';
import { fold, textsOf } from './text.ts';

export interface Wanted {
  readonly viewer: string;
  /** Folded. */
  readonly text: string;
  readonly from?: string | undefined;
  readonly limit: number;
}

interface Found {
  readonly item: Item;
  /** Where to go on after it. */
  readonly position: Position;
}

export class Looking {
  readonly bounds = new Bounds();
  /** Messages that were looked at. */
  scanned = 0;
  private readonly ctx: Context;
  private readonly wanted: Wanted;
  private readonly found: Found[] = [];
  private foundBytes = 0;

  constructor(ctx: Context, wanted: Wanted) {
    this.ctx = ctx;
    this.wanted = wanted;
  }

  get isOver(): boolean {
    return this.isFull || this.bounds.isSpent;
  }

  /** More would not fit the page. */
  private get isFull(): boolean {
    return this.found.length >= this.wanted.limit || this.foundBytes > ANSWER_BYTES;
  }

  /** False: it was the last that fits the page. */
  look(item: Item, position: Position): boolean {
    if (!item['void']) this.scanned += 1;
    if (this.matches(item)) {
      this.found.push({ item, position });
      this.foundBytes += Buffer.byteLength(item['body'] as string);
    }
    return !this.isFull;
  }

  /** As they are now: what was read eventually consistent may have been recalled or edited since (I7). */
  async hits(): Promise<{ hits: Message[]; cutAt?: Position }> {
    const { viewer } = this.wanted;
    const sent = withinBytes(this.found.map(({ item }) => toSlot(item, viewer))).length;
    const shown = this.found.slice(0, sent);
    const keys = shown.map(({ item }) => item as unknown as SlotKey);
    const items = await readSlotItems(this.ctx, keys);
    const current = new Map(items.map((item) => [keyOf(item as unknown as SlotKey), item]));
    const matching = shown.flatMap(({ item, position }) => {
      const now = current.get(keyOf(item as unknown as SlotKey));
      return now && this.matches(now) ? [{ message: toSlot(now, viewer) as Message, position }] : [];
    });
    const hits = withinBytes(matching.map(({ message }) => message));
    const last = hits.length < matching.length ? matching[hits.length - 1] : undefined;
    const cutAt = last?.position ?? (sent < this.found.length ? shown.at(-1)?.position : undefined);
    return { hits, ...(cutAt && { cutAt }) };
  }

  private matches(item: Item): boolean {
    const { text, from } = this.wanted;
    if (item['void'] || item['recalled'] || item['type'] === 'control') return false;
    if (from !== undefined && item['from'] !== from) return false;
    if (hasExpired(this.ctx, item)) return false;
    return textsOf(item).some((candidate) => fold(candidate).includes(text));
  }
}
