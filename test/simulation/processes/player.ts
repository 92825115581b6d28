// A player in a process of its own. One that dies is heard of: what it was playing rejects.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Played, Player } from '../player.ts';

const main = fileURLToPath(new URL('main.ts', import.meta.url));

/** A world is mostly promises and small objects: what is young may become more before it is looked through. */
const execArgv = ['--max-semi-space-size=64', '--import', 'tsx'];

/** `modulePath`: what the process runs; it answers each message with one. */
export function startPlayer(modulePath: string = main): Player {
  const child = fork(modulePath, { execArgv });
  let death: string | undefined;
  const died = deathOf(child).then((how) => (death = how));
  return {
    async play(task) {
      const answer = new AbortController();
      try {
        const answered = once(child, 'message', { signal: answer.signal });
        // Of one that is dead already, its exit tells.
        if (death === undefined) child.send(task, () => {});
        const outcome = await Promise.race([answered, died]);
        if (typeof outcome === 'string') throw new Error(outcome);
        return (outcome as [Played])[0];
      } finally {
        answer.abort();
      }
    },
    async end() {
      child.kill('SIGKILL');
      await died;
    },
  };
}

async function deathOf(child: ChildProcess): Promise<string> {
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    return `its process ended (${signal ?? `exit code ${code}`})`;
  } catch (error) {
    return `its process did not start (${String(error)})`;
  }
}
