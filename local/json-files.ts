// JSON in files of the data directory.
import { readFile, rename, writeFile } from 'node:fs/promises';

export async function readJson<T>(file: string, missing: T): Promise<T> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return missing;
    throw new Error(`Cannot read ${file}`, { cause: error });
  }
}

/** A reader sees the old file or the new one, never a half. */
export async function writeJson(file: string, value: unknown): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify(value), { mode: 0o600 });
  await rename(`${file}.new`, file);
}
