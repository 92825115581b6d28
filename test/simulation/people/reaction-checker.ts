// P5.12a: a message has the reactions that were answered and not taken back, none that nobody asked for, and one control
// message for each at most; a recalled one has none. All read the same, and devices show it.
import type { Message, Reaction } from '../../../src/protocol/messages.ts';
import type { RunHistory, Truth } from '../history.ts';
import { heardBy, messagesOf } from '../heard.ts';
import { name, type Violation } from '../violations.ts';
import { groupBy, isDone, overAt, SURELY_OVER_MS, type Wish } from './wishes.ts';

/** Users that an answer names of each emoji. */
const MAX_NAMED = 20;

const find = (what: string): Violation => ({ invariant: 'P5.12a', what });

export function checkReactions(history: RunHistory): Violation[] {
  const wishes = groupBy(
    history.wishes.filter(({ action }) => action === 'react'),
    ({ frame }) => name(frame as { conversationId: string; seq: number }),
  );
  return [
    ...history.truths.flatMap((truth) => checkStanding(truth, wishes)),
    ...checkControls(history, wishes),
    ...checkLimits(history),
    ...checkFull(history, wishes),
    ...checkContention(history),
    ...checkShown(history, wishes),
  ];
}

const keyOf = (by: string, emoji: string) => JSON.stringify([by, emoji]);
const emojiOf = ({ frame }: Wish) => frame['emoji'] as string;
const takesBack = ({ frame }: Wish) => frame['remove'] === true;

function checkStanding(truth: Truth, wishes: ReadonlyMap<string, readonly Wish[]>): Violation[] {
  return messagesOf(truth).flatMap((message): Violation[] => {
    const { reactions = [] } = message;
    if (reactions.length === 0 && !wishes.has(name(message))) return [];
    if (message.recalled) {
      return reactions.length > 0 ? [find(`${name(message)} is recalled, and has reactions`)] : [];
    }
    const where = `${name(message)}, as ${truth.userId} reads it,`;
    const asked = wishes.get(name(message)) ?? [];
    return [
      ...reactions.flatMap((reaction) => checkForm(reaction, truth.userId, where)),
      ...checkUsers(reactions, asked, where),
    ];
  });
}

function checkForm({ emoji, count, users, mine }: Reaction, reader: string, where: string): Violation[] {
  return [
    ...(users.length === Math.min(count, MAX_NAMED) && new Set(users).size === users.length
      ? []
      : [find(`${where} counts ${count} of ${emoji}, and names ${users.join(' ')}`)]),
    ...(mine === users.includes(reader) || count > MAX_NAMED
      ? []
      : [find(`${where} says ${mine} of whether ${emoji} is their own`)]),
  ];
}

/** Of every user and emoji that stand there, or were wanted. */
function checkUsers(reactions: readonly Reaction[], asked: readonly Wish[], where: string): Violation[] {
  const standing = new Set(reactions.flatMap(({ emoji, users }) => users.map((by) => keyOf(by, emoji))));
  const wanted = groupBy(asked, (wish) => keyOf(wish.by, emojiOf(wish)));
  return [...new Set([...standing, ...wanted.keys()])].flatMap((key): Violation[] => {
    const own = wanted.get(key) ?? [];
    if (standing.has(key)) return mayStand(own) ? [] : [find(`${where} has ${key}, which nobody wants`)];
    return mayBeGone(own) ? [] : [find(`${where} lacks ${key}, which was answered`)];
  });
}

/** Somebody wanted it, and did not certainly take it back after that. */
function mayStand(wishes: readonly Wish[]): boolean {
  const ends = wishes.filter(takesBack).filter(isDone);
  return wishes.some((wish) => !takesBack(wish) && !ends.some(({ askedAt }) => overAt(wish) < askedAt));
}

function mayBeGone(wishes: readonly Wish[]): boolean {
  const done = wishes.filter((wish) => !takesBack(wish) && isDone(wish));
  if (done.length === 0) return true;
  return wishes.some((wish) => takesBack(wish) && !done.some(({ askedAt }) => overAt(wish) < askedAt));
}

/** A message has no more than it takes. */
function checkLimits({ truths, reactionLimits: { emoji, reactions } }: RunHistory): Violation[] {
  return truths.flatMap(messagesOf).flatMap((message): Violation[] => {
    const kinds = message.reactions ?? [];
    const all = kinds.reduce((sum, { count }) => sum + count, 0);
    if (kinds.length <= emoji && all <= reactions) return [];
    return [find(`${name(message)} has ${all} reactions of ${kinds.length} kinds`)];
  });
}

/** And takes as many: who is refused one more met a message that may have been full. */
function checkFull(
  { reactionLimits: { emoji, reactions } }: RunHistory,
  wishes: ReadonlyMap<string, readonly Wish[]>,
): Violation[] {
  return [...wishes].flatMap(([about, asked]) => {
    const byKey = groupBy(asked.filter(mayHaveCome), (wish) => keyOf(wish.by, emojiOf(wish)));
    return asked
      .filter(({ code }) => code === 'too_large')
      .flatMap((refused): Violation[] => {
        const there = [...byKey.values()].filter((own) => mayStandAt(own, refused)).map(([first]) => first!);
        const kinds = new Set(there.map(emojiOf));
        if (there.length >= reactions || kinds.size >= emoji) return [];
        return [find(`${about} was full for ${refused.by} of at most ${there.length}, ${kinds.size} kinds`)];
      });
  });
}

/** What was refused at once, was refused before anything of it was written. */
const mayHaveCome = ({ code, askedAt, answeredAt = Infinity }: Wish) =>
  code !== 'too_large' || answeredAt - askedAt >= SURELY_OVER_MS;

/** Somebody's reaction, while that one was refused: wanted by then, and not certainly taken back before. */
function mayStandAt(wishes: readonly Wish[], { askedAt, answeredAt = Infinity }: Wish): boolean {
  const isBefore = (wish: Wish) =>
    takesBack(wish) ? (wish.answeredAt ?? Infinity) <= askedAt : wish.askedAt <= answeredAt;
  return mayStand(wishes.filter(isBefore));
}

/** Races that a reaction may lose before it is refused for them, at least. */
const RACES = 7;

/** Who is refused because too much goes on met others. */
function checkContention({ wishes }: RunHistory): Violation[] {
  return wishes.flatMap((refused): Violation[] => {
    const { action, frame, askedAt, answeredAt = Infinity, code, reason = '' } = refused;
    if (action !== 'react' || code !== 'unavailable' || !reason.includes('contention')) return [];
    const others = wishes.filter(
      (wish) =>
        (wish.action === 'send' || wish.frame['conversationId'] === frame['conversationId']) &&
        !isSameReaction(wish, refused) &&
        wish.askedAt <= answeredAt &&
        overAt(wish) >= askedAt,
    );
    if (others.length >= RACES) return [];
    return [
      find(`${refused.by} met too many in ${String(frame['conversationId'])}, where ${others.length} were`),
    ];
  });
}

const isSameReaction = (left: Wish, right: Wish) =>
  left.by === right.by &&
  (['conversationId', 'seq', 'emoji', 'remove'] as const).every(
    (key) => left.frame[key] === right.frame[key],
  );

/** Nothing is told more often than it may have been done. */
function checkControls({ truths }: RunHistory, wishes: ReadonlyMap<string, readonly Wish[]>): Violation[] {
  const told = new Map<string, Message>();
  for (const message of truths.flatMap(messagesOf)) {
    if (message.type === 'control' && message.body['op'] === 'reaction') told.set(name(message), message);
  }
  const causes = groupBy(told.values(), ({ conversationId, body, from }) =>
    JSON.stringify([name({ conversationId, seq: body['seq'] as number }), from]),
  );
  return [...causes].flatMap(([key, controls]): Violation[] => {
    const [about, by] = JSON.parse(key) as [string, string];
    const elsewhere = [...wishes].flatMap(([other, asked]) =>
      other !== about && conversationOf(other) === conversationOf(about) ? asked : [],
    );
    const most = countCauses(wishes.get(about) ?? [], by, elsewhere);
    if (controls.length <= most) return [];
    return [find(`${about} has ${controls.length} control messages of ${by}, who reacted ${most} times`)];
  });
}

const conversationOf = (message: string) => message.slice(0, message.lastIndexOf('/'));

/** Others elsewhere in the conversation after which it may have forgotten one: it remembers four, and each may count twice. */
const FORGOTTEN_AFTER = 2;

/** What is wanted again at once counts once, unless something else was going on with the message, or much with others. */
function countCauses(asked: readonly Wish[], by: string, elsewhere: readonly Wish[]): number {
  const own = groupBy(
    asked.filter((wish) => wish.by === by),
    emojiOf,
  );
  const isOne = (run: readonly Wish[]) =>
    meanwhile(run, asked).length === 0 && meanwhile(run, elsewhere).length < FORGOTTEN_AFTER;
  return [...own.values()].reduce((sum, wishes) => {
    const counts = runsOf(wishes).map((run) => (isOne(run) ? 1 : run.length));
    return sum + counts.reduce((left, right) => left + right, 0);
  }, 0);
}

/** Wishes that follow one another and want the same. */
function runsOf(wishes: readonly Wish[]): Wish[][] {
  const runs: Wish[][] = [];
  for (const wish of wishes.toSorted((left, right) => left.askedAt - right.askedAt)) {
    const run = runs.at(-1);
    if (run && takesBack(run[0]!) === takesBack(wish)) run.push(wish);
    else runs.push([wish]);
  }
  return runs;
}

function meanwhile(run: readonly Wish[], wishes: readonly Wish[]): Wish[] {
  const from = run[0]!.askedAt;
  const to = Math.max(...run.map(overAt));
  return wishes.filter((other) => !run.includes(other) && overAt(other) >= from && other.askedAt <= to);
}

/** In the end a device shows the reactions that there are. */
function checkShown(history: RunHistory, wishes: ReadonlyMap<string, readonly Wish[]>): Violation[] {
  return history.devices.flatMap((device) => {
    const has = new Map(device.kept.map((message) => [name(message), message]));
    return heardBy(device.userId, history).flatMap((message): Violation[] => {
      const own = has.get(name(message));
      if (!own) return [];
      const asked = groupBy(wishes.get(name(message)) ?? [], (wish) => keyOf(wish.by, emojiOf(wish)));
      const unsure = new Set([...asked].filter(([, own]) => !isToldOf(own)).map(([key]) => key));
      const [there, here] = [message, own].map(({ reactions }) => sureOf(reactions, unsure));
      if (there === here) return [];
      const who = `${device.userId}/${device.deviceId}`;
      return [find(`${name(message)} has ${there}, and for ${who} ${here}`)];
    });
  });
}

/**
 * What was not answered may have been done without being told: of that nobody hears before they read the message anew. Unless
 * the same was answered, and nobody ever wanted the contrary.
 */
function isToldOf(wishes: readonly Wish[]): boolean {
  if (wishes.every(isDone)) return true;
  return wishes.some(isDone) && new Set(wishes.map(takesBack)).size === 1;
}

function sureOf(reactions: readonly Reaction[] = [], unsure: ReadonlySet<string>): string {
  if (unsure.size === 0) return JSON.stringify(reactions);
  const keys = reactions.flatMap(({ emoji, users }) => users.map((by) => keyOf(by, emoji)));
  return JSON.stringify(keys.filter((key) => !unsure.has(key)).toSorted());
}
