import { afterAll, beforeAll, expect, test } from 'vitest';
import { PAGE_SIZE, pageStart } from '../../src/core/mailbox.ts';
import { pending } from '../../src/core/pending.ts';
import { itemKey, mailboxKey } from '../../src/core/tables.ts';
import { startTables, type TestTables } from '../support/tables.ts';

let tables: TestTables;
beforeAll(async () => {
  tables = await startTables();
});
afterAll(() => tables.close());

test('P5.4: the first 10,000 entries are counted, and it is said that there are more', async () => {
  const ctx = tables.context();
  const bob = await tables.connect('bob');
  const pointers = Array.from({ length: 10_010 }, (_, index) => `g:team#${(index + 1).toString(36)}`);
  const base = pageStart(pointers.length) - 1;
  const firsts = Array.from({ length: base / PAGE_SIZE }, (_, index) => index * PAGE_SIZE + 1);
  await Promise.all(
    firsts.map((first) => {
      const page = pointers.slice(first - 1, first - 1 + PAGE_SIZE);
      return ctx.db.put({ table: 'Users', item: { userId: bob.userId, item: itemKey.page(first), page } });
    }),
  );
  await ctx.db.update({
    table: 'Users',
    key: mailboxKey(bob.userId),
    update: 'SET #seq = :seq, #base = :base, #page = :page',
    values: { seq: pointers.length, base, page: pointers.slice(base) },
  });
  const ask = (after: number) => pending(ctx, bob, { action: 'pending', id: 'p', after });
  expect(await ask(0)).toMatchObject({ total: 10_000, more: true, head: 10_010 });
  expect(await ask(10_005)).toMatchObject({ total: 5, head: 10_010 });
}, 60_000);
