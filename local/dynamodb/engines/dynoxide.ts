// Dynoxide, the embedded engine: one native binary from npm, no JVM.
import { createRequire } from 'node:module';
import path from 'node:path';
import type { EngineProgram } from './child-process.ts';

export function dynoxideProgram(dataDirectory: string | undefined): EngineProgram {
  const database = dataDirectory === undefined ? [] : ['--db-path', path.join(dataDirectory, 'dynoxide.db')];
  return {
    name: 'dynoxide',
    command: findBinary(),
    argumentsFor: (port) => ['serve', '--host', '127.0.0.1', '--port', String(port), ...database],
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
function findBinary(): string {
  const packageName = `@dynoxide/${process.platform}-${process.arch}`;
  try {
    const manifest = createRequire(import.meta.url).resolve(`${packageName}/package.json`);
    const extension = process.platform === 'win32' ? '.exe' : '';
    return path.join(path.dirname(manifest), `dynoxide${extension}`);
  } catch {
    throw new Error(
      `The embedded database is not here: run \`npm install --no-save ${packageName}\`, or start with \`--db dynamodb-local\` (Java) or \`--db http://…\``,
    );
  }
}
