// Dynoxide, the embedded engine: one native binary from npm, no JVM.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Log } from '../../log.ts';
import { EngineClient } from './client.ts';
import { startEngineProcess, type EngineProgram } from './child-process.ts';
import { makeScratchDirectory } from './directories.ts';
import { hiddenLoopback } from './loopback.ts';
import { prepareDatabase, type RunOnce } from './dynoxide-database.ts';

const databaseName = 'dynoxide.db';

/** Always on a file, in a directory as short-lived as the engine if no other is given. */
export async function dynoxideProgram(dataDirectory: string | undefined, log: Log): Promise<EngineProgram> {
  const { command, version } = await findBinary();
  const runOnce: RunOnce = async (file) => {
    const run = await startEngineProcess(
      serving(command, () => file),
      log,
    );
    const client = new EngineClient(run.endpoint);
    try {
      // It greets before it knows how to end in order; when it answers, it does.
      await client.call('ListTables', {});
    } finally {
      client.close();
      await run.close();
    }
  };
  const prepareIn = (directory: string) =>
    prepareDatabase(path.join(directory, databaseName), version, runOnce);

  if (dataDirectory !== undefined) {
    await prepareIn(dataDirectory);
    return serving(command, () => path.join(dataDirectory, databaseName));
  }
  return {
    ...serving(command, (scratch = '') => path.join(scratch, databaseName)),
    async makeScratch() {
      const directory = await makeScratchDirectory();
      await prepareIn(directory);
      return directory;
    },
  };
}

function serving(command: string, fileIn: (scratch: string | undefined) => string): EngineProgram {
  const host = hiddenLoopback();
  return {
    name: 'dynoxide',
    command,
    host,
    argumentsFor: (port, scratch) => {
      return ['serve', '--host', host, '--port', String(port), '--db-path', fileIn(scratch)];
    },
    whenReady: (child) =>
      new Promise((resolve) => {
        let said = '';
        // It greets on stderr.
        for (const pipe of [child.stdout, child.stderr]) {
          pipe?.on('data', (chunk: string) => {
            said += chunk;
            if (said.includes('listening on')) resolve();
          });
        }
      }),
  };
}

/** npm installs the package of this platform only, as an optional dependency. */
async function findBinary(): Promise<{ command: string; version: string }> {
  const packageName = `@dynoxide/${process.platform}-${process.arch}`;
  let manifest: string;
  try {
    manifest = createRequire(import.meta.url).resolve(`${packageName}/package.json`);
  } catch {
    throw new Error(
      `The embedded database is not here: run \`npm install --no-save ${packageName}\`, or start with \`--db dynamodb-local\` (Java) or \`--db http://…\``,
    );
  }
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
  const extension = process.platform === 'win32' ? '.exe' : '';
  return { command: path.join(path.dirname(manifest), `dynoxide${extension}`), version };
}
