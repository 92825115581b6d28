// Where engines keep what is not data: a cache that lasts, and scratch directories that last as long as one run.
import { access, constants, mkdtemp, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

const memoryDirectory = '/dev/shm';
/** Containers often have no more than 64 MB there, which a long test fills. */
const minimumMemoryBytes = 1024 ** 3;

export function cacheDirectory(): string {
  const shared = process.env['XDG_CACHE_HOME'];
  if (shared) return path.join(shared, 'serverless-im');
  return path.join(import.meta.dirname, '../../.cache');
}

/** In memory where the machine has a place for that. */
export async function makeScratchDirectory(): Promise<string> {
  const parent = (await hasRoom(memoryDirectory)) ? memoryDirectory : tmpdir();
  return mkdtemp(path.join(parent, 'serverless-im-'));
}

async function hasRoom(directory: string): Promise<boolean> {
  try {
    await access(directory, constants.W_OK);
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize >= minimumMemoryBytes;
  } catch {
    return false;
  }
}
