// The files of the developer page, read anew for each request: whoever changes the page only has to reload it.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export interface DevAsset {
  readonly contentType: string;
  readonly content: string;
}

const directory = fileURLToPath(new URL('page', import.meta.url));

/** By path. `/dev` and `/dev/` are one page, so it names its files by their full paths. */
export const devAssets: Readonly<Record<string, () => Promise<DevAsset>>> = {
  '/dev': () => file('index.html', 'text/html'),
  '/dev/': () => file('index.html', 'text/html'),
  '/dev/page.css': styles,
  '/dev/icon.svg': () => file('icon.svg', 'image/svg+xml'),
  '/dev/page.js': script,
};

/** What the page may load and ask for: its own origin, and nothing in line. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

async function file(name: string, contentType: string): Promise<DevAsset> {
  return {
    contentType: `${contentType}; charset=utf-8`,
    content: await readFile(`${directory}/${name}`, 'utf8'),
  };
}

/** The colours are those of the web chat. */
async function styles(): Promise<DevAsset> {
  const tokens = await file('../../../web/tokens.css', 'text/css');
  const page = await file('page.css', 'text/css');
  return { ...page, content: tokens.content + page.content };
}

async function script(): Promise<DevAsset> {
  const { outputFiles } = await build({
    absWorkingDir: directory,
    entryPoints: ['page.ts'],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'silent',
  });
  return { contentType: 'text/javascript; charset=utf-8', content: outputFiles[0]!.text };
}
