import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  appendPointers,
  isFull,
  PAGE_SIZE,
  pageStart,
  readEntries,
  sealPage,
  toMailbox,
  type Mailbox,
} from '../../src/core/mailbox.ts';
import { HEAD } from '../../src/core/tables.ts';
import { startTables, type Death, type TestContext, type TestTables } from '../support/tables.ts';

const clock = { now: Date.parse('2026-11-22T12:00:00Z') };
let tables: TestTables;
let ctx: TestContext;

beforeAll(async () => {
  tables = await startTables(clock);
  ctx = tables.context();
});
afterAll(() => tables.close());

let users = 0;
async function newUser(): Promise<string> {
  const userId = `user-${++users}`;
  await tables.connect(userId);
  return userId;
}

async function head(userId: string): Promise<Mailbox> {
  return toMailbox((await ctx.db.get('Users', { userId, item: HEAD }, 'strong'))!);
}

async function allEntries(userId: string): Promise<readonly string[]> {
  const mailbox = await head(userId);
  const range = await readEntries(ctx, mailbox, 0, mailbox.seq);
  if (range.reset) throw new Error('reset');
  return range.entries;
}

async function append(context: TestContext, userId: string, pointers: string[]): Promise<void> {
  const appended = await appendPointers(context, userId, pointers);
  if (appended && isFull(appended.mailbox)) await sealPage(context, appended.mailbox);
}

describe('I3: a mailbox is dense', () => {
  test('200 appends at once: no gap, no duplicate, no page above its size', async () => {
    const userId = await newUser();
    const pointers = Array.from({ length: 200 }, (_, index) => `bob#${(index + 1).toString(36)}`);
    const contexts = Array.from({ length: 10 }, () => tables.context());
    await Promise.all(pointers.map((pointer, index) => append(contexts[index % 10]!, userId, [pointer])));

    const entries = await allEntries(userId);
    expect(entries).toHaveLength(200);
    expect(new Set(entries)).toEqual(new Set(pointers));
    expect((await head(userId)).seq).toBe(200);
    const pages = (await tables.scan('Users')).filter(
      (item) => item['userId'] === userId && String(item['item']).startsWith('PAGE#'),
    );
    expect(pages.map((page) => (page['page'] as string[]).length)).toEqual(Array(12).fill(PAGE_SIZE));
  });

  test('bundles of any size come out in order, with the syncSeqs that the appender was told', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 }),
        async (sizes) => {
          const userId = await newUser();
          const expected: string[] = [];
          for (const [bundle, size] of sizes.entries()) {
            const pointers = Array.from({ length: size }, (_, index) => `b${bundle}#${index.toString(36)}`);
            const appended = (await appendPointers(ctx, userId, pointers))!;
            expect(appended.extents).toEqual([{ from: expected.length + 1, pointers }]);
            expect(appended.fresh).toBe(size);
            expected.push(...pointers);
          }
          expect(await allEntries(userId)).toEqual(expected);
        },
      ),
      { numRuns: 25 },
    );
  });

  test('I5: a writer that dies around any of its requests leaves a mailbox that goes on', async () => {
    for (const when of ['before', 'after'] as const) {
      let survived = false;
      for (let request = 1; !survived; request++) {
        expect(request).toBeLessThan(20);
        const userId = await newUser();
        const first = Array.from({ length: 10 }, (_, index) => `bob#${index.toString(36)}`);
        const second = Array.from({ length: 30 }, (_, index) => `carol#${index.toString(36)}`);
        await append(ctx, userId, first);
        const death: Death = { request, when };
        survived = await append(tables.context({ death }), userId, second).then(
          () => true,
          () => false,
        );
        // The stream gives the batch again. What still stands in the open page is not repeated.
        if (!survived) await append(ctx, userId, second);
        const entries = await allEntries(userId);
        expect((await head(userId)).seq).toBe(entries.length);
        expect(entries.slice(0, 10)).toEqual(first);
        expect(new Set(entries.slice(10))).toEqual(new Set(second));
      }
    }
  });
});

test('I2: the same bundle again appends nothing, and tells where it stands', async () => {
  const userId = await newUser();
  await append(ctx, userId, ['bob#1', 'bob#2']);
  const again = await appendPointers(ctx, userId, ['bob#2', 'bob#3']);
  expect(again).toMatchObject({ extents: [{ from: 2, pointers: ['bob#2', 'bob#3'] }], fresh: 1 });
  expect(await allEntries(userId)).toEqual(['bob#1', 'bob#2', 'bob#3']);
});

test('a user who does not exist has no mailbox, and gets none', async () => {
  expect(await appendPointers(ctx, 'nobody', ['bob#1'])).toBeUndefined();
  expect(await ctx.db.get('Users', { userId: 'nobody', item: HEAD }, 'strong')).toBeUndefined();
});

describe('reading', () => {
  test('any cursor and any limit give the entries that follow', async () => {
    const userId = await newUser();
    const pointers = Array.from({ length: 70 }, (_, index) => `bob#${index.toString(36)}`);
    await append(ctx, userId, pointers);
    const mailbox = await head(userId);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 70 }),
        fc.integer({ min: 1, max: 80 }),
        async (after, limit) => {
          expect(await readEntries(ctx, mailbox, after, limit)).toEqual({
            reset: false,
            entries: pointers.slice(after, after + limit),
          });
        },
      ),
      { numRuns: 40 },
    );
  });

  test('a cursor beyond the head, or older than the pages that are kept, leads to reset', async () => {
    const userId = await newUser();
    await append(
      ctx,
      userId,
      Array.from({ length: 20 }, (_, index) => `bob#${index.toString(36)}`),
    );
    const mailbox = await head(userId);
    expect(await readEntries(ctx, mailbox, 21, 10)).toEqual({ reset: true });
    clock.now += 31 * 86_400_000;
    expect(await readEntries(ctx, mailbox, 3, 10)).toEqual({ reset: true });
    expect(await readEntries(ctx, mailbox, 16, 10)).toMatchObject({ reset: false });
  });

  test('a device within the open page needs the head alone', async () => {
    const userId = await newUser();
    await append(
      ctx,
      userId,
      Array.from({ length: 20 }, (_, index) => `bob#${index.toString(36)}`),
    );
    const mailbox = await head(userId);
    const reader = tables.context();
    await readEntries(reader, mailbox, 17, 100);
    expect(reader.requests()).toBe(0);
  });
});

test('page arithmetic: every syncSeq stands in the page that its number names', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), (syncSeq) => {
      const start = pageStart(syncSeq);
      expect(start % PAGE_SIZE).toBe(1);
      expect(syncSeq - start).toBeGreaterThanOrEqual(0);
      expect(syncSeq - start).toBeLessThan(PAGE_SIZE);
    }),
  );
});
