// The SDK as it is, or without one of its guards.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { ImClient } from '../../src/client/im-client.ts';
import type { ClientParts } from './device.ts';
import { mutate, type Mutation } from './mutations.ts';

export async function loadClient(mutation?: Mutation): Promise<ClientParts> {
  if (!mutation) return { ImClient };
  const outfile = join(await mkdtemp(join(tmpdir(), 'serverless-im-client-')), 'client.mjs');
  await build({
    stdin: {
      contents: `export { ImClient } from './im-client.ts';`,
      resolveDir: fileURLToPath(new URL('../../src/client', import.meta.url)),
      loader: 'ts',
    },
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    outfile,
    plugins: [mutate(mutation)],
    logLevel: 'warning',
  });
  return (await import(pathToFileURL(outfile).href)) as ClientParts;
}
