// What is more than one request takes.

/** A list of ids cut for requests that take so many. */
export function portions(ids: readonly string[], size: number): string[][] {
  const count = Math.ceil(ids.length / size);
  return Array.from({ length: count }, (_, index) => ids.slice(index * size, (index + 1) * size));
}
