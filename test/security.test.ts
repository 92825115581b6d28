// docs/security.md names tests for what it claims: they are there, under these names.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(`${root}${path}`, 'utf8');
const rowsOf = (page: string) =>
  page.split('\n').filter((line) => line.startsWith('| ') && !/^\| (.+\| )?What stops it/.test(line));

interface Named {
  readonly file: string;
  /** Part of a test's name, … standing for anything; absent: the whole file. */
  readonly name?: string;
}

function namedIn(rows: readonly string[]): Named[] {
  let file = '';
  return rows.flatMap((row) => {
    const [, tests = ''] = /\| ([^|]+) \|$/.exec(row) ?? [];
    return [...tests.matchAll(/`(test\/[^`]+)`|“([^”]+)”/g)].map(([, path, name]): Named => {
      file = path ?? file;
      return { file, ...(name !== undefined && { name }) };
    });
  });
}

const isIn = (source: string, name: string) => {
  const parts = name.split('…').map((part) => part.trim().replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(parts.join('.*')).test(source.replaceAll('\\', ''));
};

test('each row of docs/security.md names a test that there is', () => {
  const rows = rowsOf(read('docs/security.md'));
  const named = namedIn(rows);
  expect(rows.filter((row) => !/`test\/|the same/.test(row))).toEqual([]);
  expect(rows.length).toBeGreaterThan(50);
  expect(named.filter(({ file, name = '' }) => !isIn(read(file), name))).toEqual([]);
});
