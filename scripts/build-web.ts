// The web chat as browsers get it: one script, one style sheet, the page and its icon.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const sources = fileURLToPath(new URL('../web', import.meta.url));
export const webDirectory = fileURLToPath(new URL('../dist/web', import.meta.url));

/** By the path that the page asks for, from where it is. */
export type WebFiles = Readonly<Record<'index.html' | 'app.js' | 'app.css' | 'icon.svg', string>>;

export async function bundleWeb(): Promise<WebFiles> {
  const { outputFiles } = await build({
    absWorkingDir: sources,
    entryPoints: { app: 'main.tsx' },
    outdir: 'out',
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    legalComments: 'none',
    write: false,
    logLevel: 'silent',
  });
  const text = (ending: string) => outputFiles.find(({ path }) => path.endsWith(ending))!.text;
  const read = (name: string) => readFile(join(sources, name), 'utf8');
  return {
    'index.html': await read('index.html'),
    'icon.svg': await read('icon.svg'),
    'app.js': text('app.js'),
    'app.css': text('app.css'),
  };
}

export async function buildWeb(directory = webDirectory): Promise<void> {
  const files = await bundleWeb();
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  await Promise.all(
    Object.entries(files).map(([name, content]) => writeFile(join(directory, name), content)),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildWeb();
