// Kinds of faults by their names (`stream.duplicate`, `tokens`), and storms that have only some of them.
import { createRandom } from '../../../local/faults/random.ts';
import { calm, drawStorm, type WorldFaults } from './faults.ts';

type Parts = Readonly<Record<string, unknown>>;

const isGroup = (part: unknown): part is Parts => typeof part === 'object' && !Array.isArray(part);

export const kinds: readonly string[] = Object.entries(calm).flatMap(([name, part]) =>
  isGroup(part) ? Object.keys(part).map((kind) => `${name}.${kind}`) : [name],
);

/** `stream` is all kinds of that group; undefined: there is neither kind nor group of that name. */
export function kindsNamed(name: string): readonly string[] | undefined {
  const named = kinds.filter((kind) => kind === name || groupOf(kind) === name);
  return named.length > 0 ? named : undefined;
}

export const groupOf = (kind: string): string => kind.split('.')[0]!;

/** The seed's storm; `only`: of these kinds, with all else calm. */
export function stormOf(seed: number, only: readonly string[] = kinds): WorldFaults {
  return mix(calm, drawStorm(createRandom(seed, 'storm')), only);
}

/** Kinds that the seed's storm has at all. */
export function ragingKinds(seed: number): string[] {
  const textOf = (faults: WorldFaults) => JSON.stringify(faults);
  return kinds.filter((kind) => textOf(stormOf(seed, [kind])) !== textOf(calm));
}

function mix(quiet: WorldFaults, storm: WorldFaults, raging: readonly string[]): WorldFaults {
  const mixed = (calmParts: Parts, stormParts: Parts, prefix: string): Parts =>
    Object.fromEntries(
      Object.entries(calmParts).map(([name, part]) => {
        const inStorm = stormParts[name];
        if (isGroup(part)) return [name, mixed(part, inStorm as Parts, `${name}.`)];
        return [name, raging.includes(`${prefix}${name}`) ? inStorm : part];
      }),
    );
  return mixed(quiet as unknown as Parts, storm as unknown as Parts, '') as unknown as WorldFaults;
}
