// The SDK as a browser gets it.
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const client = fileURLToPath(new URL('../../src/client', import.meta.url));

/** Where an app is cut into files is its bundler's: here, at what is loaded only when it is asked for. */
export const laterIsApart: Plugin = {
  name: 'later-is-apart',
  setup: (build) =>
    build.onResolve({ filter: /./ }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path, external: true } : undefined,
    ),
};

interface Without {
  readonly external?: string[];
  readonly plugins?: Plugin[];
}

/** One minified ES module, without what `external` names or a plugin puts apart; `exports` are export lines relative to src/client. */
export async function bundleForBrowsers(exports: string, without: Without = {}): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: exports, resolveDir: client, loader: 'ts' },
    bundle: true,
    ...without,
    minify: true,
    format: 'esm',
    // Browsers only: an import of a Node module fails here.
    platform: 'browser',
    target: 'es2022',
    write: false,
  });
  return outputFiles[0]!.text;
}
