// Other processes with a file storage, for tests: `keeper.ts`, and how to speak with it.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export class Keeper {
  private readonly child: ChildProcess;
  private readonly answers: AsyncIterator<string>;

  private constructor(child: ChildProcess) {
    this.child = child;
    this.answers = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  }

  /** Up and running; opens the file at the first `tell`. */
  static async start(path: string, compactFromBytes?: number): Promise<Keeper> {
    const program = join(import.meta.dirname, 'keeper.ts');
    const size = compactFromBytes === undefined ? [] : [String(compactFromBytes)];
    const child = spawn(process.execPath, ['--import', 'tsx', program, path, ...size], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const keeper = new Keeper(child);
    await keeper.answers.next();
    return keeper;
  }

  get pid(): number {
    return this.child.pid!;
  }

  async tell(line: string): Promise<string> {
    this.child.stdin!.write(`${line}\n`);
    return (await this.answers.next()).value as string;
  }

  /** No file of that process may grow beyond it: a disk that is full, for one process. */
  limitFiles(sizeBytes: number | 'unlimited'): void {
    execFileSync('prlimit', ['--pid', String(this.pid), `--fsize=${sizeBytes}:`]);
  }

  async close(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.stdin!.write('close\n');
    await exited;
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }
}
