// Runs the CDK app as the CLI does, and says where its template is.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const projectDirectory = fileURLToPath(new URL('../..', import.meta.url));

export interface SynthesizeOptions {
  outDirectory: string;
  /** As `cdk synth -c key=value`, over what cdk.json says. */
  context?: Readonly<Record<string, unknown>>;
}

/** @returns the path of the one stack's template. */
export async function synthesize({ outDirectory, context }: SynthesizeOptions): Promise<string> {
  const cdkJson = JSON.parse(await readFile(join(projectDirectory, 'cdk.json'), 'utf8')) as {
    context?: Record<string, unknown>;
  };
  await runApp({
    CDK_OUTDIR: outDirectory,
    // `npm run synth` validates the template; it takes longer than all the rest of a start.
    CDK_VALIDATION: 'false',
    CDK_CONTEXT_JSON: JSON.stringify({
      // The construct paths name functions and tables; the asset paths lead to their code.
      'aws:cdk:enable-path-metadata': true,
      'aws:cdk:enable-asset-metadata': true,
      ...cdkJson.context,
      ...context,
    }),
  });
  return findTemplate(outDirectory);
}

async function runApp(environment: Record<string, string>): Promise<void> {
  // A third faster than a TypeScript loader in that process. Read from stdin, it needs no file of its own.
  const { outputFiles } = await build({
    absWorkingDir: projectDirectory,
    entryPoints: ['bin/im.ts'],
    bundle: true,
    format: 'esm',
    packages: 'external',
    platform: 'node',
    write: false,
  });
  const app = spawn(process.execPath, ['--input-type=module'], {
    cwd: projectDirectory,
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let errors = '';
  app.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
  const closed = once(app, 'close') as Promise<[exitCode: number | null]>;
  app.stdin.end(outputFiles[0]!.text);
  const [exitCode] = await closed;
  if (exitCode !== 0) throw new Error(errors.trim() || `The CDK app failed (exit code ${exitCode})`);
}

async function findTemplate(outDirectory: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(outDirectory, 'manifest.json'), 'utf8')) as {
    artifacts: Record<string, { type: string; properties?: { templateFile?: string } }>;
  };
  const templates = Object.values(manifest.artifacts)
    .filter((artifact) => artifact.type === 'aws:cloudformation:stack')
    .map((artifact) => artifact.properties?.templateFile);
  const [template] = templates;
  if (templates.length !== 1 || !template) {
    throw new Error(`The local cloud runs an app of one stack; ${outDirectory} holds ${templates.length}`);
  }
  return join(outDirectory, template);
}
