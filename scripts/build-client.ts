// Builds the SDK as the package `serverless-im-client` into dist/client: ES modules that share what they have in common, source
// maps, and declarations with their docstrings.
import { execFile } from 'node:child_process';
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = join(root, 'src/client/package');
export const packageDirectory = join(root, 'dist/client');

interface Manifest {
  readonly version: string;
  readonly license: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

export async function buildClient(directory = packageDirectory): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const doors = (await readdir(sources))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => name.slice(0, -3));
  await Promise.all([buildModules(directory, doors), buildDeclarations(directory)]);
  const ours = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest;
  await writeFile(join(directory, 'package.json'), `${JSON.stringify(manifestOf(ours, doors), null, 2)}\n`);
  await copyFile(join(root, 'LICENSE'), join(directory, 'LICENSE'));
  await copyFile(join(sources, 'README.md'), join(directory, 'README.md'));
  await copyFile(join(root, 'docs/client.md'), join(directory, 'CLIENT.md'));
}

async function buildModules(directory: string, doors: readonly string[]): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: doors.map((name) => join(sources, `${name}.ts`)),
    outdir: directory,
    bundle: true,
    splitting: true,
    format: 'esm',
    // Each door imports only what its platform has; which one that is the reader chooses.
    platform: 'neutral',
    external: ['react', 'ws', 'node:*'],
    target: 'es2022',
    sourcemap: true,
    legalComments: 'none',
    logLevel: 'warning',
    chunkNames: 'chunks/[name]-[hash]',
  });
}

async function buildDeclarations(directory: string): Promise<void> {
  const types = join(directory, 'types');
  const config = join(directory, 'tsconfig.json');
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    lib: ['es2023', 'dom', 'dom.iterable'],
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
    rootDir: join(root, 'src'),
    outDir: types,
  };
  const extended = join(root, 'tsconfig.json');
  await writeFile(
    config,
    JSON.stringify({ extends: extended, compilerOptions, include: [sources], exclude: [] }),
  );
  await promisify(execFile)(join(root, 'node_modules/.bin/tsc'), ['-p', config]);
  await rm(config);
  // What a reader has stands beside each declaration under the name that a module would have.
  const files = (await readdir(types, { recursive: true })).filter((name) => name.endsWith('.d.ts'));
  await Promise.all(
    files.map(async (name) => {
      const text = await readFile(join(types, name), 'utf8');
      await writeFile(join(types, name), text.replaceAll(/(["'])(\.{1,2}\/[^"']+)\.ts\1/g, '$1$2.js$1'));
    }),
  );
}

function manifestOf({ version, license, dependencies, devDependencies }: Manifest, doors: readonly string[]) {
  const conditions = (name: string) => ({
    types: `./types/client/package/${name}.d.ts`,
    default: `./${name}.js`,
  });
  return {
    name: 'serverless-im-client',
    version,
    description: 'The client of serverless-im: messages that arrive, in order and once, online and offline.',
    license,
    type: 'module',
    sideEffects: false,
    exports: Object.fromEntries(
      doors.map((name) => [name === 'index' ? '.' : `./${name}`, conditions(name)]),
    ),
    engines: { node: '>=20' },
    dependencies: {
      // Of the wire's types alone: no module imports it.
      valibot: dependencies['valibot'],
      ws: dependencies['ws'],
      '@types/ws': devDependencies['@types/ws'],
    },
    peerDependencies: { react: '>=18' },
    peerDependenciesMeta: { react: { optional: true } },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildClient();
