// The runtime that the template names, beside the Node.js that runs the functions here.
import type { FunctionModel } from '../model.ts';

/** @returns what to tell when functions deploy on another major version than `version`, such as `20.12.0`. */
export function describeOtherRuntime(
  functions: readonly Pick<FunctionModel, 'runtime'>[],
  version: string,
): string | undefined {
  const here = parseInt(version);
  const others = new Set(
    functions.map(({ runtime }) => runtime).filter((runtime) => majorOf(runtime) !== here),
  );
  if (others.size === 0) return undefined;
  return `run on Node.js ${here} here; the template deploys them on ${[...others].join(', ')}`;
}

/** `nodejs24.x` is 24. */
function majorOf(runtime: string): number {
  return parseInt(runtime.slice('nodejs'.length));
}
