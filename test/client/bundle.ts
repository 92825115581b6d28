// The SDK as a browser gets it.
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const client = fileURLToPath(new URL('../../src/client', import.meta.url));

/** One minified ES module, without the files that `external` names; `exports` are export lines relative to src/client. */
export async function bundleForBrowsers(exports: string, external: string[] = []): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: exports, resolveDir: client, loader: 'ts' },
    bundle: true,
    external,
    minify: true,
    format: 'esm',
    // Browsers only: an import of a Node module fails here.
    platform: 'browser',
    target: 'es2022',
    write: false,
  });
  return outputFiles[0]!.text;
}
