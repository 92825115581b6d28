// Bundles each function into dist/functions/<name>: once, so that the bytes that run locally are those that deploy.
import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { slimSdk } from './slim-sdk.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
export const bundleDirectory = join(root, 'dist/functions');

export async function buildFunctions(): Promise<void> {
  const sources = (await readdir(join(root, 'functions'))).filter((name) => name.endsWith('.ts'));
  await rm(bundleDirectory, { recursive: true, force: true });
  await Promise.all(
    sources.map((source) =>
      build({
        absWorkingDir: root,
        entryPoints: { index: join('functions', source) },
        outdir: join(bundleDirectory, basename(source, '.ts')),
        outExtension: { '.js': '.mjs' },
        bundle: true,
        format: 'esm',
        platform: 'node',
        target: 'node20',
        mainFields: ['module', 'main'],
        minify: true,
        sourcemap: true,
        sourcesContent: false,
        legalComments: 'none',
        logLevel: 'warning',
        plugins: [slimSdk],
        // Dependencies in CommonJS call require() for Node's own modules.
        banner: {
          js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);",
        },
      }),
    ),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildFunctions();
