// What users do beside writing, in some of the runs: they react to messages, and block one another for a while. Drawn apart,
// so that a run in which they do not is what it is without.
import { createRandom, type Random } from '../../../local/faults/random.ts';
import type { Stage } from '../stage.ts';

const REACTING_RUNS = 0.4;
const BLOCKING_RUNS = 0.25;
const EMOJI = ['👍', '❤️', '🎉'] as const;
const REACTION_PAUSE_MS = 150;
/** So many times as often as one writes, at most. */
const REACTIONS_PER_ACT = 4;
/** How often a reaction does not wait for anything. */
const AT_ONCE = 0.3;
/** In some of those runs all are hasty: hardly anybody waits, everybody taps twice, and all at the same message. */
const HASTY_RUNS = 0.3;
const AT_ONCE_IN_HASTE = 0.8;
/** How often one taps twice otherwise. */
const DOUBLE_TAPS = 0.3;
/** Of so many messages at most, the last ones, one is drawn: others react to it, too. */
const LATEST = 4;
const BLOCK_PAUSE_MS = 400;

export interface WantedReaction {
  readonly emoji: string;
  readonly remove: boolean;
  /** To one of the last messages that it knows, of so many. */
  readonly latest: number;
  readonly taps: number;
}

/** A device, or a client that is not the SDK. */
export interface Person {
  /** No other has it. */
  readonly name: string;
  readonly history: { readonly userId: string };
  react(wanted: WantedReaction, random: Random): void;
  block(userId: string, on: boolean, random: Random): void;
}

export interface Society {
  readonly stage: Stage;
  readonly seed: number;
  readonly users: readonly string[];
  readonly people: readonly Person[];
  /** How often each does something. */
  readonly acts: number;
}

export async function socialize(society: Society): Promise<void> {
  await Promise.all([reactAll(society), blockSome(society)]);
}

async function reactAll({ stage, seed, people, acts }: Society): Promise<void> {
  const mood = createRandom(seed, 'reactions');
  if (mood.next() >= REACTING_RUNS) return;
  const last = mood.integer(1, LATEST);
  const choice = EMOJI.slice(0, mood.integer(1, EMOJI.length));
  const reactions = acts * mood.integer(1, REACTIONS_PER_ACT);
  const isHasty = mood.next() < HASTY_RUNS;
  const [atOnce, latest] = isHasty ? [AT_ONCE_IN_HASTE, 1] : [AT_ONCE, last];
  await Promise.all(
    people.map(async (person) => {
      const random = createRandom(seed, `reactions of ${person.name}`);
      for (let n = 1; n <= reactions; n++) {
        if (random.next() >= atOnce) await stage.wait(random.between(0, REACTION_PAUSE_MS));
        const emoji = choice[random.integer(0, choice.length - 1)]!;
        const remove = random.next() < 0.35;
        const taps = isHasty || random.next() < DOUBLE_TAPS ? 2 : 1;
        person.react({ emoji, remove, latest, taps }, random);
      }
    }),
  );
}

/** One of the latest; none of none. */
export function drawLate<One>(all: readonly One[], latest: number, random: Random): One | undefined {
  const last = all.slice(-latest);
  return last[random.integer(0, Math.max(0, last.length - 1))];
}

/** One user blocks another; at times the two block each other. */
async function blockSome(society: Society): Promise<void> {
  const { seed, users } = society;
  const random = createRandom(seed, 'blocking');
  if (random.next() >= BLOCKING_RUNS) return;
  const first = random.integer(0, users.length - 1);
  const second = (first + random.integer(1, users.length - 1)) % users.length;
  const pairs = [[first, second], ...(random.next() < 0.3 ? [[second, first]] : [])];
  await Promise.all(pairs.map(([by, whom]) => blockNowAndThen(society, users[by!]!, users[whom!]!)));
}

async function blockNowAndThen(
  { stage, seed, people, acts }: Society,
  by: string,
  whom: string,
): Promise<void> {
  const own = people.filter(({ history }) => history.userId === by);
  const random = createRandom(seed, `${by} blocks ${whom}`);
  for (let n = random.integer(1, acts); n > 0; n--) {
    await stage.wait(random.between(0, BLOCK_PAUSE_MS));
    own[random.integer(0, own.length - 1)]?.block(whom, random.next() < 0.55, random);
  }
}
