// An update may write each place once: no path may be another's beginning, or take a list for a map.
import { ValidationException } from '../errors.ts';
import type { Path } from './syntax.ts';

/** Of paths whose placeholders all stand for different names. */
export function checkOverlaps(paths: readonly Path[]): void {
  for (const [index, path] of paths.entries()) {
    for (const other of paths.slice(index + 1)) checkPair(stepsOf(path), stepsOf(other));
  }
}

/** Two placeholders may stand for one name, which is only known once there is a request. */
export function checkOverlapsOf(paths: readonly Path[], names: Readonly<Record<string, string>>): void {
  const placeholders = Object.keys(names);
  if (new Set(placeholders.map((placeholder) => names[placeholder])).size === placeholders.length) return;
  const nameOf = (step: number | string) => (typeof step === 'number' ? step : names[step]!);
  checkOverlaps(paths.map(({ root, steps }) => ({ root: names[root]!, steps: steps.map(nameOf) })));
}

const stepsOf = ({ root, steps }: Path) => [root, ...steps];

function checkPair(left: readonly (number | string)[], right: readonly (number | string)[]): void {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    if (typeof left[index] !== typeof right[index]) {
      throw new ValidationException('Two document paths conflict with each other');
    }
    if (left[index] !== right[index]) return;
  }
  throw new ValidationException('Two document paths overlap with each other');
}
