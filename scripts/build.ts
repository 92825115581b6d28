// Bundles each function into dist/functions/<name>: once, so that the bytes that run locally are those that deploy.
import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { slimSdk } from './slim-sdk.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
export const bundleDirectory = join(root, 'dist/functions');

/** Of these functions each has the hook's client beside its bundle, as a file that is loaded where it is configured. */
const asking = ['send', 'changes'];
const hookApart: Plugin = {
  name: 'hook-apart',
  setup(building) {
    building.onResolve({ filter: /\/before-send\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './before-send.mjs', external: true } : undefined,
    );
  },
};

export interface BuildOptions {
  readonly outDirectory?: string;
  /** Applied before ours. */
  readonly plugins?: readonly Plugin[];
}

export async function buildFunctions(options: BuildOptions = {}): Promise<void> {
  const { outDirectory = bundleDirectory, plugins = [] } = options;
  const sources = (await readdir(join(root, 'functions'))).filter((name) => name.endsWith('.ts'));
  const slim = slimSdk();
  await build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries([
      ...sources.map((source) => [`${basename(source, '.ts')}/index`, join('functions', source)]),
      ...asking.map((name) => [`${name}/before-send`, 'src/runtime/before-send.ts']),
    ]),
    outdir: outDirectory,
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
    plugins: [...plugins, hookApart, slim.plugin],
    // Dependencies in CommonJS call require() for Node's own modules.
    banner: {
      js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);",
    },
  });
  await removeOthers(outDirectory, new Set(sources.map((source) => basename(source, '.ts'))));
  const unused = slim.unused();
  if (unused.length > 0) throw new Error(`The AWS SDK has moved what we replace: ${unused.join(' ')}`);
}

/** Bundles of functions that are no more; the others were written over, for somebody may be reading them. */
async function removeOthers(directory: string, names: ReadonlySet<string>): Promise<void> {
  const present = await readdir(directory);
  const others = present.filter((name) => !names.has(name));
  await Promise.all(others.map((name) => rm(join(directory, name), { recursive: true, force: true })));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildFunctions();
