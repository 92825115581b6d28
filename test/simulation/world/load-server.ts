// The product's functions as they are, or without one of their guards.
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { mutate, type Mutation } from '../mutations.ts';
import { server, type Server } from './server.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
/** Below the project, for what the bundle leaves outside to be found. */
const outDirectory = fileURLToPath(new URL('../../../dist/', import.meta.url));

export async function loadServer(mutation?: Mutation): Promise<Server> {
  if (!mutation) return server;
  await mkdir(outDirectory, { recursive: true });
  const outfile = join(await mkdtemp(join(outDirectory, 'mutated-')), 'server.mjs');
  await build({
    entryPoints: [join(here, 'server.ts')],
    bundle: true,
    format: 'esm',
    platform: 'node',
    // The model throws the SDK's exceptions, and the product knows them by their classes.
    packages: 'external',
    outfile,
    plugins: [mutate(mutation)],
    logLevel: 'warning',
  });
  return ((await import(pathToFileURL(outfile).href)) as { server: Server }).server;
}
