// A bucket's lifecycle rules: objects that are old enough go, some time after they may.
import type { BucketModel, LifecycleRule } from '../model.ts';
import type { ObjectStore, StoredObject } from './store.ts';

const dayMs = 86_400_000;

/** Resolves with how many objects went. */
export async function expireObjects(
  store: Pick<ObjectStore, 'all' | 'delete'>,
  buckets: readonly BucketModel[],
  now: number,
): Promise<number> {
  const expired = store.all().filter((object) => {
    const bucket = buckets.find(({ bucketName }) => bucketName === object.bucketName);
    return bucket?.lifecycle.some((rule) => hasEnded(rule, object, now)) ?? false;
  });
  for (const object of expired) await store.delete(object);
  return expired.length;
}

/** S3 rounds an object's end up to the next midnight (UTC). */
function hasEnded(
  { prefix, tags, expirationDays }: LifecycleRule,
  object: StoredObject,
  now: number,
): boolean {
  const isMeant =
    object.key.startsWith(prefix) &&
    Object.entries(tags).every(([name, value]) => object.tags[name] === value);
  const end = Math.ceil((object.createdAt + expirationDays * dayMs) / dayMs) * dayMs;
  return isMeant && now >= end;
}
