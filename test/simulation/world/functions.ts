// Functions: each invocation has a context of its own, may die anywhere in its work, and is given up on after its time.
import { Database } from '../../../src/core/database.ts';
import type { Connections, Context } from '../../../src/core/context.ts';
import { KnownGroups } from '../../../src/core/groups/known-groups.ts';
import type { Tasks } from '../../../src/core/groups/task.ts';
import { Watches, type Notes } from '../../../src/core/notifications/note.ts';
import { PushFailures } from '../../../src/core/push-failures.ts';
import { parseSettings, type Settings } from '../../../src/core/settings.ts';
import { tableDefinitions, type TableName, type TableNames } from '../../../src/core/tables.ts';
import type { Blow } from '../stage.ts';
import { storeClient, type Life, type StoreOptions } from './store.ts';
import { noObjects } from '../../support/no-objects.ts';

/** Of the functions behind routes (lib/im-function.ts). */
export const ROUTE_TIMEOUT_MS = 10_000;
export const STREAM_TIMEOUT_MS = 60_000;

const tableNames = Object.fromEntries(Object.keys(tableDefinitions).map((name) => [name, name])) as Record<
  TableName,
  string
> as TableNames;

/** From one invocation to the next. */
const whatIsKnown = () => ({
  pushFailures: new PushFailures(),
  knownGroups: new KnownGroups(),
  watches: new Watches(),
});

const silent = { info: () => {}, warn: () => {}, error: () => {} };

export interface FunctionsOptions extends StoreOptions {
  readonly settings: object;
  /** For what an invocation posts, while it lives. */
  readonly connectionsFor: (life: Life) => Connections;
  readonly tasksFor: (life: Life) => Tasks;
  readonly notesFor: (life: Life) => Notes;
}

export type Ended<T> =
  | { readonly outcome: 'answered'; readonly answer: T }
  /** It died, or threw: what it did until then is done. */
  | { readonly outcome: 'failed' };

export class Functions {
  private readonly options: FunctionsOptions;
  private readonly settings: Settings;
  private known = whatIsKnown();

  constructor(options: FunctionsOptions) {
    this.options = options;
    this.settings = parseSettings(options.settings);
  }

  /** Environments begin anew, and know nothing. */
  forget(): void {
    this.known = whatIsKnown();
  }

  /** Runs one invocation to its end, or to its death. */
  async invoke<T>(timeoutMs: number, run: (ctx: Context) => Promise<T>, blow?: Blow): Promise<Ended<T>> {
    const { scheduler, random, faults } = this.options;
    const { crashBefore, crashMidway, crashAfter } = faults().functions;
    const lot = random.next();
    if (lot < crashBefore) return { outcome: 'failed' };
    const life: Life = {
      over: false,
      requestsLeft: lot < crashBefore + crashMidway ? random.integer(0, 6) : Infinity,
      writesLeft: blow?.writes ?? Infinity,
      blow: blow?.kind,
    };
    const ended = new Promise<Ended<T>>((resolve) => {
      const fail = () => {
        life.over = true;
        resolve({ outcome: 'failed' });
      };
      const cancel = scheduler.after(timeoutMs, fail);
      const succeed = (answer: T) => {
        cancel();
        if (life.over) return;
        if (random.next() < crashAfter) return fail();
        // A frozen environment does nothing more.
        life.over = true;
        resolve({ outcome: 'answered', answer });
      };
      run(this.contextFor(life)).then(succeed, fail);
    });
    return ended;
  }

  private contextFor(life: Life): Context {
    const { scheduler, random, faults, connectionsFor, tasksFor, notesFor } = this.options;
    const { skewMs } = faults().functions;
    const skew = random.between(-skewMs, skewMs);
    const backOff = (attempt: number) => scheduler.wait(random.next() * Math.min(320, 10 * 2 ** attempt));
    return {
      db: new Database(storeClient(this.options, life), tableNames, backOff),
      settings: this.settings,
      now: () => Math.floor(scheduler.now + skew),
      backOff,
      wait: (ms) => scheduler.wait(ms),
      connections: connectionsFor(life),
      ...this.known,
      tasks: tasksFor(life),
      notes: notesFor(life),
      objects: noObjects,
      log: silent,
    };
  }
}
