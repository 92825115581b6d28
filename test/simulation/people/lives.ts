// What users do beside writing, in some of the runs: they react to messages, and block one another for a while. Drawn apart,
// so that a run in which they do not is what it is without.
import { createRandom, type Random } from '../../../local/faults/random.ts';
import type { Blow, Stage } from '../stage.ts';

const REACTING_RUNS = 0.5;
/** In these somebody's own devices do the same at the same time. */
const COMPETING_RUNS = 0.12;
const LATEST_RIVAL_MS = 40;
const BLOCKING_RUNS = 0.25;
const EMOJI = ['👍', '❤️', '🎉'] as const;
const REACTION_PAUSE_MS = 150;
/** So many times as often as one writes, at most. */
const REACTIONS_PER_ACT = 4;
/** How people react, for a whole run. */
interface Manners {
  /** How often a reaction does not wait for anything. */
  readonly atOnce: number;
  readonly takesBack: number;
  /** How often one taps twice. */
  readonly taps: number;
  /** All to the same message. */
  readonly together: boolean;
  /** How often something befalls who carries it out. */
  readonly blows: number;
  readonly blow?: Blow['kind'];
  /** How often one wants the contrary when it is done. */
  readonly regrets: number;
}

const ordinary: Manners = {
  atOnce: 0.3,
  takesBack: 0.2,
  taps: 0.3,
  together: true,
  blows: 0,
  regrets: 0,
};
const MANNERS: readonly (Manners & { readonly until: number })[] = [
  { until: 0.3, ...ordinary, takesBack: 0.35, together: false },
  // Of the same, again and again.
  { until: 0.4, ...ordinary, takesBack: 0.5 },
  // All at once.
  { until: 0.5, ...ordinary, atOnce: 0.8, taps: 1 },
  { until: 0.6, ...ordinary, taps: 0.8, blows: 0.4, blow: 'death' },
  // What hangs is carried out when it is regretted.
  { until: 1, ...ordinary, taps: 0.2, blows: 0.4, blow: 'hang', regrets: 0.7 },
];
/** With a number in hand, or when the message is changed and nobody is told. */
const BLOWS_AFTER = [1, 2] as const;
/** Of so many messages at most, the last ones, one is drawn: others react to it, too. */
const LATEST = 4;
const BLOCK_PAUSE_MS = 400;

/** Where a message stands. */
export interface Place {
  readonly conversationId: string;
  readonly seq: number;
}

export interface WantedReaction {
  readonly to: Place;
  readonly emoji: string;
  readonly remove: boolean;
  readonly taps: number;
  /** As soon as it is answered, its user wants the contrary. */
  readonly regrets: boolean;
}

/** A device, or a client that is not the SDK. */
export interface Person {
  /** No other has it. */
  readonly name: string;
  readonly history: { readonly userId: string };
  /** Messages that it knows, in the order in which they came. */
  readonly messages: readonly Place[];
  /** Until it is answered, or has waited for that for long enough; and the contrary is asked for, where that is wanted. */
  react(wanted: WantedReaction, random: Random): Promise<void>;
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
  await Promise.all([reactAll(society), competeSometimes(society), blockSome(society)]);
}

async function reactAll({ stage, seed, people, acts }: Society): Promise<void> {
  const mood = createRandom(seed, 'reactions');
  if (mood.next() >= REACTING_RUNS) return;
  const last = mood.integer(1, LATEST);
  const choice = EMOJI.slice(0, mood.integer(1, EMOJI.length));
  const reactions = acts * mood.integer(1, REACTIONS_PER_ACT);
  const drawn = mood.next();
  const manners = MANNERS.find(({ until }) => drawn < until)!;
  const latest = manners.together ? 1 : last;
  await Promise.all(
    people.map(async (person) => {
      const random = createRandom(seed, `reactions of ${person.name}`);
      const taps: Promise<void>[] = [];
      for (let n = 1; n <= reactions; n++) {
        if (random.next() >= manners.atOnce) await stage.wait(random.between(0, REACTION_PAUSE_MS));
        const emoji = choice[random.integer(0, choice.length - 1)]!;
        const remove = random.next() < manners.takesBack;
        const isSure = random.next() >= manners.taps;
        if (random.next() < manners.blows && manners.blow) {
          stage.strike?.('react', { kind: manners.blow, writes: random.integer(...BLOWS_AFTER) });
        }
        const regrets = random.next() < manners.regrets;
        const to = drawLate(person.messages, latest, random);
        if (to) taps.push(person.react({ to, emoji, remove, taps: isSure ? 1 : 2, regrets }, random));
      }
      await Promise.all(taps);
    }),
  );
  if (manners.together) await giveAll({ seed, people }, latest);
}

/** A message takes as many as it takes, whatever was going on. */
async function giveAll({ seed, people }: Pick<Society, 'seed' | 'people'>, latest: number): Promise<void> {
  const random = createRandom(seed, 'all reactions');
  for (const person of people) {
    for (const emoji of EMOJI) {
      const to = drawLate(person.messages, latest, random);
      if (to) await person.react({ to, emoji, remove: false, taps: 1, regrets: false }, random);
    }
  }
}

/**
 * One reacts from here and there, while another does something else: of what the first asks for a write hangs, and is carried out
 * when it is done already, or taken back.
 */
async function competeSometimes({ stage, seed, people, acts }: Society): Promise<void> {
  const random = createRandom(seed, 'competing');
  if (random.next() >= COMPETING_RUNS) return;
  const draw = <One>(all: readonly One[]) => all[random.integer(0, all.length - 1)]!;
  for (let n = 2 * acts; n > 0; n--) {
    await stage.wait(random.between(0, REACTION_PAUSE_MS));
    const { history } = draw(people);
    const own = people.filter((one) => one.history.userId === history.userId);
    const others = people.filter((one) => one.history.userId !== history.userId);
    if (others.length === 0) return;
    const [here, there, rival] = [draw(own), draw(own), draw(others)];
    const known = new Set([there, rival].map(({ messages }) => new Set(messages.map(keyOf))));
    const shared = here.messages.filter((message) => [...known].every((keys) => keys.has(keyOf(message))));
    const to = drawLate(shared, 1, random);
    if (!to) continue;
    const react = (who: Person, emoji: string, remove = false) =>
      who.react({ to, emoji, remove, taps: 1, regrets: false }, random);
    const [first, second] = EMOJI;
    await react(rival, first);
    stage.strike?.('react', { kind: 'hang', writes: 1 });
    const hanging = react(here, first);
    await stage.wait(random.between(0, LATEST_RIVAL_MS));
    // One of the two changes something, whatever was before.
    await react(rival, second);
    await react(rival, second, true);
    await Promise.all([hanging, react(there, first)]);
    if (random.next() < 0.6) await react(draw(own), first, true);
  }
  await giveAll({ seed, people }, 1);
}

const keyOf = ({ conversationId, seq }: Place) => `${conversationId}/${seq}`;

/** One of the latest; none of none. */
function drawLate<One>(all: readonly One[], latest: number, random: Random): One | undefined {
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
