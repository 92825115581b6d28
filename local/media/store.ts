// Objects of the buckets: each a file with what is known of it beside it. They go with the process if nobody said where
// to keep them.
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream, type ReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { readJson, writeJson } from '../json-files.ts';

export interface StoredObject {
  readonly bucketName: string;
  readonly key: string;
  readonly sizeBytes: number;
  readonly contentType: string;
  readonly etag: string;
  readonly tags: Readonly<Record<string, string>>;
  /** ms since the epoch. */
  readonly createdAt: number;
  /** Name of the file that holds its bytes. */
  readonly file: string;
}

export type ObjectName = Pick<StoredObject, 'bucketName' | 'key'>;

/** Bytes that came, and are no object yet. */
export interface Upload {
  readonly file: string;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly sha256: string;
}

export class ObjectStore {
  private readonly directory: string;
  private readonly isTemporary: boolean;
  private readonly objects = new Map<string, StoredObject>();

  private constructor(directory: string, isTemporary: boolean) {
    this.directory = directory;
    this.isTemporary = isTemporary;
  }

  /** @param dataDirectory of the whole cloud. */
  static async open(dataDirectory: string | undefined): Promise<ObjectStore> {
    const kept = dataDirectory && path.join(dataDirectory, 'media');
    if (kept) await mkdir(kept, { recursive: true, mode: 0o700 });
    const store = new ObjectStore(
      kept ?? (await mkdtemp(path.join(tmpdir(), 'serverless-im-media-'))),
      !kept,
    );
    await store.load();
    return store;
  }

  find({ bucketName, key }: ObjectName): StoredObject | undefined {
    return this.objects.get(nameOf({ bucketName, key }));
  }

  all(): readonly StoredObject[] {
    return [...this.objects.values()];
  }

  read({ file }: StoredObject, range?: { readonly start: number; readonly end: number }): ReadStream {
    return createReadStream(path.join(this.directory, file), range);
  }

  /** @throws Error when the bytes end before they are all there. */
  async receive(bytes: Readable): Promise<Upload> {
    const file = `${randomUUID()}.bytes`;
    const [md5, sha256] = [createHash('md5'), createHash('sha256')];
    let sizeBytes = 0;
    const observe = async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        md5.update(chunk);
        sha256.update(chunk);
        sizeBytes += chunk.length;
        yield chunk;
      }
    };
    const target = path.join(this.directory, file);
    try {
      await pipeline(bytes, observe, createWriteStream(target, { mode: 0o600 }));
    } catch (error) {
      await rm(target, { force: true });
      throw error;
    }
    return { file, sizeBytes, etag: `"${md5.digest('hex')}"`, sha256: sha256.digest('hex') };
  }

  async discard({ file }: Pick<Upload, 'file'>): Promise<void> {
    await rm(path.join(this.directory, file), { force: true });
  }

  /** In place of what has this name by then. */
  async put(object: StoredObject): Promise<void> {
    const name = nameOf(object);
    const before = this.objects.get(name);
    this.objects.set(name, object);
    await writeJson(path.join(this.directory, `${name}.json`), object);
    if (before && before.file !== object.file) await this.discard(before);
  }

  async delete(named: ObjectName): Promise<void> {
    const name = nameOf(named);
    const object = this.objects.get(name);
    if (!object) return;
    this.objects.delete(name);
    await rm(path.join(this.directory, `${name}.json`), { force: true });
    await this.discard(object);
  }

  async close(): Promise<void> {
    if (this.isTemporary) await rm(this.directory, { recursive: true, force: true });
  }

  private async load(): Promise<void> {
    const files = await readdir(this.directory);
    for (const file of files.filter((name) => name.endsWith('.json'))) {
      const object = await readJson<StoredObject | undefined>(path.join(this.directory, file), undefined);
      if (object) this.objects.set(nameOf(object), object);
    }
    // Uploads that an earlier run did not see the end of.
    const known = new Set(this.all().map(({ file }) => file));
    const others = files.filter((name) => name.endsWith('.bytes') && !known.has(name));
    await Promise.all(others.map((file) => this.discard({ file })));
  }
}

/** Keys hold what no file may be called. */
function nameOf({ bucketName, key }: ObjectName): string {
  return createHash('sha256').update(`${bucketName}/${key}`).digest('hex');
}
