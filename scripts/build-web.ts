// The web chat as browsers get it: one script, one style sheet, the page and its icon.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { slimReact } from './slim-react.ts';

const sources = fileURLToPath(new URL('../web', import.meta.url));
export const webDirectory = fileURLToPath(new URL('../dist/web', import.meta.url));

/** By the path that the page asks for, from where it is. */
export type WebFiles = Readonly<Record<'index.html' | 'app.js' | 'app.css' | 'icon.svg', string>>;

export async function bundleWeb(): Promise<WebFiles> {
  const [script, style] = await Promise.all([bundleScript(), bundleStyle()]);
  const read = (name: string) => readFile(join(sources, name), 'utf8');
  return {
    'index.html': await read('index.html'),
    'icon.svg': await read('icon.svg'),
    'app.js': script,
    'app.css': style,
  };
}

/** Rolldown leaves 3 KB less than esbuild here, of what everybody has to load. */
async function bundleScript(): Promise<string> {
  // Loaded when it is needed: the local cloud starts without it.
  const { rolldown } = await import('rolldown');
  const bundle = await rolldown({
    cwd: sources,
    input: 'main.tsx',
    platform: 'browser',
    plugins: [slimReact()],
    // No getter in it does anything.
    treeshake: { propertyReadSideEffects: false },
    optimization: { inlineConst: { mode: 'all', pass: 3 } },
    transform: {
      target: 'es2022',
      jsx: 'react-jsx',
      define: {
        'process.env.NODE_ENV': '"production"',
        // Nobody looks into React here.
        __REACT_DEVTOOLS_GLOBAL_HOOK__: 'undefined',
      },
    },
    moduleTypes: { '.css': 'empty' },
    logLevel: 'silent',
  });
  try {
    const { output } = await bundle.generate({
      format: 'esm',
      minify: true,
      comments: false,
      // The page shows files and sends them: what the SDK loads for that is there.
      codeSplitting: false,
    });
    return output[0].code;
  } finally {
    await bundle.close();
  }
}

async function bundleStyle(): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: sources,
    stdin: { contents: '@import "./tokens.css"; @import "./style.css";', resolveDir: sources, loader: 'css' },
    bundle: true,
    minify: true,
    target: 'es2022',
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0]!.text;
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
