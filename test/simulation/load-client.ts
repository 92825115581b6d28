// The SDK as it is, or without one of its guards; as one bundle, so that what an app loads later takes no turn of real time.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type { ClientParts } from './device.ts';
import { mutate, type Mutation } from './mutations.ts';

export async function loadClient(mutation?: Mutation): Promise<ClientParts> {
  const directory = await mkdtemp(join(tmpdir(), 'serverless-im-client-'));
  const outfile = join(directory, 'client.mjs');
  await build({
    stdin: {
      contents: `
        export { ImClient } from './im-client.ts';
        export { ImError } from './errors.ts';
        export { SharedClient } from './tabs/shared-client.ts';`,
      resolveDir: fileURLToPath(new URL('../../src/client', import.meta.url)),
      loader: 'ts',
    },
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    outfile,
    plugins: mutation ? [mutate(mutation)] : [],
    logLevel: 'warning',
  });
  const parts = (await import(pathToFileURL(outfile).href)) as ClientParts;
  await rm(directory, { recursive: true });
  return parts;
}
