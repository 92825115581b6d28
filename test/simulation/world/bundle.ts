// The world and the product in it as one bundle, with or without one of the guards. As tsx loads it, each closure is given
// its name when it is made, which takes time.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { mutate, type Mutation } from '../mutations.ts';

type World = typeof import('./play.ts');

/** Below the project, for what the bundle leaves outside to be found. */
const outDirectory = fileURLToPath(new URL('../../../dist/', import.meta.url));

export async function loadWorld(mutation?: Mutation): Promise<World> {
  await mkdir(outDirectory, { recursive: true });
  const directory = await mkdtemp(join(outDirectory, 'world-'));
  const outfile = join(directory, 'play.mjs');
  try {
    await build({
      entryPoints: [fileURLToPath(new URL('play.ts', import.meta.url))],
      bundle: true,
      format: 'esm',
      platform: 'node',
      packages: 'external',
      outfile,
      plugins: mutation ? [mutate(mutation)] : [],
      logLevel: 'warning',
    });
    return (await import(pathToFileURL(outfile).href)) as World;
  } finally {
    await rm(directory, { recursive: true });
  }
}
