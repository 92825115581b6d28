import { afterAll, beforeAll, expect, test } from 'vitest';
import { appendPointers, isFull, sealPage } from '../../src/core/mailbox.ts';
import { pending } from '../../src/core/pending.ts';
import { startTables, type TestTables } from '../support/tables.ts';

let tables: TestTables;
beforeAll(async () => {
  tables = await startTables();
});
afterAll(() => tables.close());

test('P5.4: the first 2,000 entries are counted, and it is said that there are more', async () => {
  const ctx = tables.context();
  const bob = await tables.connect('bob');
  const pointers = Array.from({ length: 2_010 }, (_, index) => `g:team#${(index + 1).toString(36)}`);
  const appended = await appendPointers(ctx, bob.userId, pointers);
  if (appended && isFull(appended.mailbox)) await sealPage(ctx, appended.mailbox);
  const ask = (after: number) => pending(ctx, bob, { action: 'pending', id: 'p', after });
  expect(await ask(0)).toMatchObject({ total: 2_000, more: true, head: 2_010 });
  expect(await ask(2_005)).toMatchObject({ total: 5, head: 2_010 });
}, 60_000);
