// The sync timeline of a user. The newest pointers stand in the head item, so that one write stores them, numbers
// them and finds the user's devices; sixteen of them are sealed into a page that never changes again.
//
//   syncSeq  1 … 16        17 … 32        33 … 41
//            PAGE#…01      PAGE#…17       HEAD { base: 32, page: [9 pointers], seq: 41 }
//
// Every page holds exactly PAGE_SIZE pointers and is named by its first syncSeq: its content follows from its name,
// so it may be written twice, late, or by two writers, and the key of the page that holds a syncSeq is arithmetic.
import type { Platform } from '../protocol/ids.ts';
import type { Preferences } from '../protocol/server-frames.ts';
import type { Context } from './context.ts';
import type { Item } from './database.ts';
import { mailboxName, userPart } from './digest.ts';
import { expiryAfter, hasExpired } from './expiry.ts';
import { toBars, type Bars } from './bars.ts';
import { toPreferences } from './people/wishes.ts';
import {
  connectionAttributePrefix,
  HEAD,
  itemKey,
  knownAttribute,
  knownShards,
  pushAttributePrefix,
  ttlAttribute,
} from './tables.ts';

export const PAGE_SIZE = 16;
const MAX_ROUNDS = 200;
/** Waits for another writer's seal grow up to this exponent: many at once would keep each other from it. */
const MAX_PATIENCE = 4;

export interface Mailbox {
  readonly userId: string;
  /** Of this very mailbox: another one of the same user, after a new set-up, has another. */
  readonly name: string;
  /** The last syncSeq given out. */
  readonly seq: number;
  /** syncSeq before the first pointer of `page`. */
  readonly base: number;
  readonly page: readonly string[];
  readonly connections: readonly DeviceConnection[];
  /** Devices that are registered for push notifications. */
  readonly pushDevices: readonly string[];
  readonly preferences: Preferences;
  readonly bars: Bars;
}

export interface DeviceConnection {
  readonly deviceId: string;
  readonly connectionId: string;
  readonly platform: Platform;
  /** Milliseconds since the epoch. */
  readonly connectedAt: number;
  /** Of its token: seconds since the epoch. */
  readonly expiresAt: number;
  /** The attribute as stored, for conditions on it. */
  readonly stored: string;
}

/** Pointers that stand in the mailbox now, at consecutive syncSeqs. */
export interface Extent {
  readonly from: number;
  readonly pointers: readonly string[];
}

export interface Appended {
  /** Where the pointers are, in ascending order; those of an earlier try included. */
  readonly extents: readonly Extent[];
  readonly fresh: number;
  /** As of the last write or look. */
  readonly mailbox: Mailbox;
}

/** First syncSeq of the page that holds `syncSeq`. */
export function pageStart(syncSeq: number): number {
  return syncSeq - ((syncSeq - 1) % PAGE_SIZE);
}

/**
 * Appends pointers that are not in the current page yet. `undefined`: there is no such user (any more).
 * Concurrent appends to one mailbox are settled by the head item alone: no gaps, no overwritten pointers.
 * Who gets a full page back seals it when it has told the devices.
 */
export async function appendPointers(
  ctx: Context,
  userId: string,
  pointers: readonly string[],
): Promise<Appended | undefined> {
  let remaining = [...pointers];
  const extents: Extent[] = [];
  let fresh = 0;
  let mailbox: Mailbox | undefined;
  // Optimistic at first: nothing is read, the condition finds room or says what there is.
  let room = PAGE_SIZE;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const chunk = remaining.slice(0, room);
    const written = await appendToPage(ctx, userId, chunk);
    if (written.ok) {
      mailbox = written.mailbox;
      fresh += chunk.length;
      remaining = remaining.slice(chunk.length);
      extents.push({ from: mailbox.seq - chunk.length + 1, pointers: chunk });
      if (remaining.length === 0) return { extents: merge(extents), fresh, mailbox };
      if (isFull(mailbox)) mailbox = await sealPage(ctx, mailbox);
    } else {
      if (!written.mailbox) return undefined;
      mailbox = written.mailbox;
      const { page, base } = mailbox;
      const present = remaining.filter((pointer) => page.includes(pointer));
      extents.push(
        ...present.map((pointer) => ({ from: base + page.indexOf(pointer) + 1, pointers: [pointer] })),
      );
      remaining = remaining.filter((pointer) => !page.includes(pointer));
      if (remaining.length === 0) return { extents: merge(extents), fresh, mailbox };
      if (isFull(mailbox)) {
        // Whoever filled the page is sealing it; we help only if that takes long, for it may have died.
        if (round % 3 === 2) mailbox = await sealPage(ctx, mailbox);
        else await ctx.backOff(Math.min(round + 1, MAX_PATIENCE));
      }
    }
    room = PAGE_SIZE - mailbox.page.length || PAGE_SIZE;
  }
  throw new Error('Too much contention in one mailbox');
}

export function isFull(mailbox: Mailbox): boolean {
  return mailbox.page.length === PAGE_SIZE;
}

type PageWrite = { ok: true; mailbox: Mailbox } | { ok: false; mailbox?: Mailbox };

async function appendToPage(ctx: Context, userId: string, chunk: readonly string[]): Promise<PageWrite> {
  const names = chunk.map((_, index) => `pointer${index}`);
  const written = await ctx.db.update({
    table: 'Users',
    key: { userId, item: HEAD },
    update: 'SET #seq = #seq + :count, #page = list_append(#page, :pointers)',
    condition: ['size(#page) <= :room', ...names.map((name) => `NOT contains(#page, :${name})`)].join(
      ' AND ',
    ),
    values: {
      count: chunk.length,
      pointers: chunk,
      room: PAGE_SIZE - chunk.length,
      ...Object.fromEntries(names.map((name, index) => [name, chunk[index]])),
    },
    returning: 'ALL_NEW',
  });
  if (written.ok) return { ok: true, mailbox: toMailbox(written.item) };
  return { ok: false, ...(written.item && { mailbox: toMailbox(written.item) }) };
}

/** Keeps the full page as an item of its own, then empties the head's: in this order, so that nothing is ever unreadable. */
export async function sealPage(ctx: Context, { userId, name, base, page }: Mailbox): Promise<Mailbox> {
  await ctx.db.put({
    table: 'Users',
    item: {
      userId,
      item: itemKey.page(base + 1),
      page,
      [ttlAttribute]: expiryAfter(ctx, ctx.settings.mailboxRetentionDays),
    },
  });
  const written = await ctx.db.update({
    table: 'Users',
    key: { userId, item: HEAD },
    update: 'SET #base = :newBase, #page = :empty',
    condition: '#base = :base',
    values: { base, newBase: base + page.length, empty: [] },
    returning: 'ALL_NEW',
  });
  return toMailbox(written.item ?? { userId, name, seq: base, base, page: [] });
}

/** `entries` are consecutive from `after + 1`; `reset`: the mailbox does not keep them any more. */
export type MailboxRange =
  | { readonly reset: true }
  | { readonly reset: false; readonly entries: readonly string[] };

/** The pointers after a cursor, oldest first: from the head alone when the cursor is within its page. */
export async function readEntries(
  ctx: Context,
  mailbox: Mailbox,
  after: number,
  limit: number,
): Promise<MailboxRange> {
  const { userId, seq, base, page } = mailbox;
  if (after > seq) return { reset: true };
  const last = Math.min(seq, after + limit);
  const entries: string[] = [];
  if (after < base) {
    const firstPage = pageStart(after + 1);
    const lastPage = pageStart(Math.min(last, base));
    const pages = await ctx.db.query({
      table: 'Users',
      partition: userId,
      from: itemKey.page(firstPage),
      to: itemKey.page(lastPage),
      limit: (lastPage - firstPage) / PAGE_SIZE + 1,
    });
    const kept = pages.filter((item) => !hasExpired(ctx, item));
    if (kept.length < (lastPage - firstPage) / PAGE_SIZE + 1) return { reset: true };
    entries.push(...kept.flatMap((item) => item['page'] as string[]).slice(after + 1 - firstPage));
  }
  entries.push(...page.slice(Math.max(0, after - base)));
  return { reset: false, entries: entries.slice(0, last - after) };
}

/** Of a user who has no entries yet; `id`: of nobody else's, for the mailbox's name is made of it. */
export const emptyMailbox = (userId: string, id: string) => ({
  name: mailboxName(id),
  seq: 0,
  base: 0,
  page: [],
  [knownAttribute]: knownShard(userId),
});

/** By this all users are found, page by page. */
export const knownShard = (userId: string) => knownShards[userPart(userId, knownShards.length)]!;

export function toMailbox(item: Item): Mailbox {
  const attributes = Object.entries(item);
  return {
    userId: item['userId'] as string,
    name: item['name'] as string,
    seq: item['seq'] as number,
    base: item['base'] as number,
    page: item['page'] as string[],
    connections: attributes
      .filter(([name]) => name.startsWith(connectionAttributePrefix))
      .map(([name, value]) => toConnection(name.slice(connectionAttributePrefix.length), value as string)),
    pushDevices: attributes
      .filter(([name]) => name.startsWith(pushAttributePrefix))
      .map(([name]) => name.slice(pushAttributePrefix.length)),
    preferences: toPreferences(item),
    bars: toBars(item),
  };
}

/** `<connectionId> <platform> <connectedAt> <expiresAt>`, times in base 36: short, for it stands in the hot item. */
export function encodeConnection(connection: Omit<DeviceConnection, 'deviceId' | 'stored'>): string {
  const { connectionId, platform, connectedAt, expiresAt } = connection;
  return [connectionId, platform, connectedAt.toString(36), expiresAt.toString(36)].join(' ');
}

function toConnection(deviceId: string, stored: string): DeviceConnection {
  const [connectionId = '', platform, connectedAt = '0', expiresAt = '0'] = stored.split(' ');
  return {
    deviceId,
    connectionId,
    platform: platform as Platform,
    connectedAt: parseInt(connectedAt, 36),
    expiresAt: parseInt(expiresAt, 36),
    stored,
  };
}

/** Neighbouring extents as one, so that a batch makes one frame. */
function merge(extents: readonly Extent[]): Extent[] {
  const merged: Extent[] = [];
  for (const extent of extents.toSorted((a, b) => a.from - b.from)) {
    const previous = merged.at(-1);
    if (previous && previous.from + previous.pointers.length === extent.from) {
      merged[merged.length - 1] = {
        from: previous.from,
        pointers: [...previous.pointers, ...extent.pointers],
      };
    } else merged.push(extent);
  }
  return merged;
}
