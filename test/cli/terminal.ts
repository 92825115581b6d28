// The chat in a real terminal, 80×24 unless told: tmux holds the screen, types, and says what is to be seen.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
/** Only ever used up by a test that fails. */
const PATIENCE_MS = 30_000;
const LOOK_AGAIN_MS = 50;

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** A server of tmux of its own: nothing of who runs the tests is touched. */
export class Terminals {
  private readonly server = `chat-${randomUUID().slice(0, 8)}`;
  private count = 0;

  async open(
    args: readonly string[],
    { columns, rows }: Size = { columns: 80, rows: 24 },
  ): Promise<Terminal> {
    this.count += 1;
    const name = `t${this.count}`;
    const words = [process.execPath, '--import', 'tsx', 'cli/main.tsx', ...args].map((word) => `'${word}'`);
    // What was printed at the end stays on the screen.
    const command = `cd '${root}' && ${words.join(' ')}; echo "ended with $?"; exec cat`;
    const size = ['-x', String(columns), '-y', String(rows)];
    await this.tmux('new-session', '-d', '-s', name, ...size, command);
    return new Terminal((...more) => this.tmux(...more), `=${name}:`);
  }

  async close(): Promise<void> {
    if (this.count > 0) await this.tmux('kill-server');
  }

  private async tmux(...args: readonly string[]): Promise<string> {
    const { stdout } = await run('tmux', ['-L', this.server, '-f', '/dev/null', '-u', ...args], {
      env: { ...process.env, TERM: 'xterm-256color', TMUX: '' },
    });
    return stdout;
  }
}

export class Terminal {
  private readonly tmux: (...args: readonly string[]) => Promise<string>;
  private readonly target: string;

  constructor(tmux: (...args: readonly string[]) => Promise<string>, target: string) {
    this.tmux = tmux;
    this.target = target;
  }

  screen(): Promise<string> {
    return this.tmux('capture-pane', '-p', '-t', this.target);
  }

  /** With the escape sequences that draw it. */
  rawScreen(): Promise<string> {
    return this.tmux('capture-pane', '-p', '-e', '-t', this.target);
  }

  async type(text: string): Promise<void> {
    await this.tmux('send-keys', '-t', this.target, '-l', text);
  }

  /** As tmux names them: `Enter`, `C-n`, `PPage`. */
  async press(...keys: readonly string[]): Promise<void> {
    await this.tmux('send-keys', '-t', this.target, ...keys);
  }

  /** Types a line, and sends it. */
  async say(text: string): Promise<void> {
    await this.type(text);
    await this.press('Enter');
  }

  async paste(text: string): Promise<void> {
    await this.tmux('set-buffer', '-b', 'pasted', text);
    await this.tmux('paste-buffer', '-p', '-d', '-b', 'pasted', '-t', this.target);
  }

  async resize({ columns, rows }: Size): Promise<void> {
    await this.tmux('resize-window', '-t', this.target, '-x', String(columns), '-y', String(rows));
  }

  /** Resolves to the screen that shows it. */
  shows(what: string | RegExp): Promise<string> {
    return this.until((screen) => isIn(screen, what), `shows ${what}`);
  }

  showsNoMore(what: string | RegExp): Promise<string> {
    return this.until((screen) => !isIn(screen, what), `shows no ${what} any more`);
  }

  async until(condition: (screen: string) => boolean, what: string): Promise<string> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const screen = await this.screen();
      if (condition(screen)) return screen;
      if (Date.now() > deadline) throw new Error(`Waited in vain until the screen ${what}:\n${screen}`);
      await delay(LOOK_AGAIN_MS);
    }
  }
}

const isIn = (screen: string, what: string | RegExp) =>
  typeof what === 'string' ? screen.includes(what) : what.test(screen);
