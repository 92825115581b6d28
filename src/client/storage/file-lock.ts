// One at a time: a lock file beside the journal says who has it open, and is taken over from a process that died.
import { randomUUID } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { ImError } from '../errors.ts';

interface Holder {
  readonly id: string;
  readonly pid: number;
  readonly host: string;
  /** When the process began, where that is known: its number may be another's by now. */
  readonly born?: string;
}

/** Returns how to let go of it. Rejects with ImError `storage`, retryable, while somebody has it. */
export async function lockFile(path: string): Promise<() => Promise<void>> {
  const lock = `${path}.lock`;
  const born = await birthOf(process.pid);
  const self: Holder = {
    id: randomUUID(),
    pid: process.pid,
    host: hostname(),
    ...(born !== undefined && { born }),
  };
  // Written first and linked then, so that nobody ever reads half of it.
  const own = `${lock}.${self.id}`;
  await writeFile(own, JSON.stringify(self), { mode: 0o600, flag: 'wx' });
  try {
    const holder = await claim(lock, own);
    if (holder) throw isHeld(path, lock, holder);
  } finally {
    await rm(own, { force: true });
  }
  return async () => {
    if ((await readHolder(lock))?.id === self.id) await rm(lock, { force: true });
  };
}

/** Returns who has it, if somebody has. */
async function claim(lock: string, own: string): Promise<Holder | undefined> {
  for (;;) {
    if (await linkAnew(own, lock)) return undefined;
    const holder = await readHolder(lock);
    if (!holder) continue;
    if (await isAlive(holder)) return holder;
    // Whoever removes the lock of the dead holds one for just that: else it could be a lock taken meanwhile.
    const removal = `${lock}.of.${holder.id}`;
    const remover = await claim(removal, own);
    if (remover) return remover;
    try {
      if ((await readHolder(lock))?.id === holder.id) await rm(lock);
    } finally {
      await rm(removal, { force: true });
    }
  }
}

/** Says whether the name was free. */
export async function linkAnew(existing: string, name: string): Promise<boolean> {
  try {
    await link(existing, name);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function readHolder(lock: string): Promise<Holder | undefined> {
  try {
    return parseHolder(await readFile(lock, 'utf8'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** A lock that cannot be read was torn by a power cut: whoever held it is gone. */
function parseHolder(text: string): Holder {
  try {
    const holder = JSON.parse(text) as Holder;
    if (typeof holder.id === 'string' && typeof holder.pid === 'number') return holder;
  } catch {}
  return { id: 'unreadable', pid: process.pid, host: hostname(), born: 'never' };
}

async function isAlive({ pid, host, born }: Holder): Promise<boolean> {
  // What goes on elsewhere cannot be seen from here.
  if (host !== hostname()) return true;
  if (born === 'never') return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false;
  }
  const bornNow = await birthOf(pid);
  return born === undefined || bornNow === undefined || bornNow === born;
}

/** Linux tells: from a later process of that number, and from the remains of one that nobody has waited for. */
async function birthOf(pid: number): Promise<string | undefined> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The program's name, in parentheses, may hold anything; after it come the state and, 19 fields on, the start.
  const fields = status?.slice(status.lastIndexOf(')') + 2).split(' ');
  return fields?.[0] === 'Z' ? 'gone' : fields?.[19];
}

function isHeld(path: string, lock: string, { pid, host }: Holder): ImError {
  if (host !== hostname())
    return held(`Another process, ${pid} on ${host}, has ${path} open; if it has ended, delete ${lock}`);
  if (pid === process.pid) return held(`This process, ${pid}, has ${path} open already`);
  return held(`Another process, ${pid}, has ${path} open`);
}

const held = (message: string) => new ImError('storage', message, { retryable: true });
const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;
