// Once for a run: bundles the functions, synthesizes the template and, for DynamoDB Local, starts one Java process.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEngine } from '../../local/dynamodb/engines/engine.ts';
import { synthesize } from '../../local/template/synthesize.ts';
import { buildFunctions } from '../../scripts/build.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** What `startCloud` and `startEngine` take: an engine of one's own, or the URL of the one that all share. */
    db: string;
    templatePath: string;
  }
}

// oxlint-disable-next-line import/no-default-export -- vitest looks for it
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const outDirectory = await mkdtemp(join(tmpdir(), 'serverless-im-'));
  await buildFunctions();
  project.provide('templatePath', await synthesize({ outDirectory }));

  const db = process.env['IM_TEST_DB'] ?? 'dynoxide';
  const shared = db === 'dynamodb-local' ? await startEngine({ db }) : undefined;
  project.provide('db', shared?.endpoint ?? db);
  return async () => {
    await shared?.close();
    await rm(outDirectory, { recursive: true, force: true });
  };
}
