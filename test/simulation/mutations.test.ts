// The mutations themselves take an hour; that each still has something to take away is seen at once.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { mutations } from './mutations.ts';

test.each(mutations)('$name: its guard stands in its file, once', async ({ file, guard }) => {
  const source = await readFile(fileURLToPath(new URL(`../../${file}`, import.meta.url)), 'utf8');
  expect(source.split(guard)).toHaveLength(2);
});
