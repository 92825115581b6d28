// A file that somebody sent, into the directory that the chat runs in.
import { open, rm } from 'node:fs/promises';
import { join, parse } from 'node:path';
import type { Client } from '../src/client/client.ts';
import type { Message } from '../src/protocol/messages.ts';
import { oneLine } from './text.ts';

const COPIES = 100;

/** Resolves with its path; nothing that is there is overwritten. Rejects with ImError, Error. */
export async function saveFile(client: Client, message: Message, directory: string): Promise<string> {
  const response = await fetch(await client.mediaUrl(message));
  if (!response.ok || !response.body) throw new Error(`The file is not to be had: ${response.status}`);
  const { path, file } = await create(directory, nameOf(message));
  try {
    // Piece by piece: it may be larger than memory.
    for await (const piece of response.body as AsyncIterable<Uint8Array>) await file.writeFile(piece);
  } catch (error) {
    // Half a file is none.
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  return path;
}

/** Others chose it: it leads to no other directory, and hides from nobody. */
function nameOf({ body, type }: Message): string {
  const name = typeof body['name'] === 'string' ? oneLine(body['name']) : '';
  return (
    name
      .replaceAll(/[/\\:]/g, '_')
      .replace(/^\.+/, '')
      .slice(0, 100) || type
  );
}

async function create(directory: string, name: string) {
  const { name: stem, ext } = parse(name);
  for (let copy = 0; copy < COPIES; copy += 1) {
    const path = join(directory, copy === 0 ? name : `${stem}-${copy}${ext}`);
    try {
      // oxlint-disable-next-line no-await-in-loop -- the next name is tried where this one is taken
      return { path, file: await open(path, 'wx', 0o600) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  throw new Error(`There are ${COPIES} files of that name already`);
}
