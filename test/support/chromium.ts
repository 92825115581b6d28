// The browser that tests drive: the one that CHROME_PATH names, else one that is installed, else the one from npm.
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { chromium, type BrowserContext } from 'playwright-core';

export interface ChromiumOptions {
  readonly permissions?: readonly string[];
}

/** Headless, with a profile of its own that goes when the context is closed. */
export async function launchChromium({ permissions = [] }: ChromiumOptions = {}): Promise<BrowserContext> {
  const { executablePath, variables } = await findChromium();
  return await chromium.launchPersistentContext('', {
    executablePath,
    headless: true,
    env: { ...process.env, ...variables },
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
    permissions: [...permissions],
  });
}

interface Executable {
  readonly executablePath: string;
  /** What it needs in its environment. */
  readonly variables: Readonly<Record<string, string>>;
}

export async function findChromium(environment: NodeJS.ProcessEnv = process.env): Promise<Executable> {
  const { CHROME_PATH: chosen, PATH: path = '' } = environment;
  if (chosen) {
    if (!isExecutable(chosen)) throw new Error(`CHROME_PATH is ${chosen}, and no program is there`);
    return { executablePath: chosen, variables: {} };
  }
  const installed = candidates(path.split(delimiter)).find(isExecutable);
  return installed ? { executablePath: installed, variables: {} } : await chromiumFromNpm();
}

/** Not `chromium-browser`: without snap, Ubuntu's only says that one should install it. */
function candidates(directories: readonly string[]): string[] {
  const names = ['chromium', 'google-chrome', 'google-chrome-stable'];
  return [
    ...directories.filter(Boolean).flatMap((directory) => names.map((name) => join(directory, name))),
    ...usualPlaces,
  ];
}

const usualPlaces = [
  '/usr/bin/chromium',
  '/usr/bin/google-chrome',
  '/opt/google/chrome/chrome',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** It brings the libraries and fonts that a bare machine has not. */
async function chromiumFromNpm(): Promise<Executable> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error('Tests in a browser need Chromium or Chrome: install one, or name it in CHROME_PATH');
  }
  // Inside the package, so that another version of it unpacks anew.
  const packageEntry = createRequire(import.meta.url).resolve('@sparticuz/chromium');
  const directory = join(packageEntry, '../../../unpacked');
  if (!existsSync(directory)) await unpack(directory);
  return {
    executablePath: join(directory, 'chromium'),
    variables: {
      LD_LIBRARY_PATH: join(directory, 'al2023/lib'),
      FONTCONFIG_FILE: join(directory, 'fonts.conf'),
    },
  };
}

/** Complete or not there: workers begin at the same time. */
async function unpack(directory: string): Promise<void> {
  const staging = await mkdtemp(`${directory}-`);
  const program = "await (await import('@sparticuz/chromium')).default.executablePath()";
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: import.meta.dirname,
    // The package unpacks to TMPDIR, and its libraries only where it takes itself to be on Lambda.
    env: { ...process.env, TMPDIR: staging, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' },
  });
  await writeFile(join(staging, 'fonts.conf'), fontConfiguration(directory));
  try {
    await rename(staging, directory);
  } catch (error) {
    await rm(staging, { recursive: true });
    if (!existsSync(directory)) throw error;
  }
}

function fontConfiguration(directory: string): string {
  return `<?xml version="1.0"?>
<fontconfig>
  <dir>${join(directory, 'fonts')}</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>${join(directory, 'font-cache')}</cachedir>
</fontconfig>
`;
}
