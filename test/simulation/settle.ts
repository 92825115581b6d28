// The end of a run: until all is as it should be, or nothing moves any more.
import { createRandom } from '../../local/faults/random.ts';
import { limits } from '../../src/protocol/limits.ts';
import { auditors, readMailbox, readTruths } from './auditor.ts';
import type { Cast } from './cast.ts';
import { check, checkLists } from './checker.ts';
import type { Device } from './device.ts';
import { readGroup } from './groups/audit.ts';
import type { MailboxTruth, RunHistory } from './history.ts';
import type { PlainClient } from './plain-client.ts';
import type { Violation } from './violations.ts';

/** Nothing that a client waits for takes that long: its longest backoff is 25 s of its own, faster time. */
const STANDSTILL_MS = 20_000;
/** Nor does what was sent take longer, repeated as often as it may be. */
const LATEST_DELIVERY_MS = 150_000;
const POLL_MS = 150;

export interface Outcome {
  readonly history: RunHistory;
  readonly violations: readonly Violation[];
}

export interface Ending extends Pick<
  Cast,
  'stage' | 'seed' | 'size' | 'users' | 'pool' | 'groups' | 'sleepers' | 'company'
> {
  /** The group of all. */
  readonly group: string;
  readonly devices: readonly Device[];
  readonly plain: readonly PlainClient[];
  /** Those that took part in what was, and do no more. */
  readonly gone?: readonly PlainClient[];
  readonly isSequel?: boolean;
  /** As they read before; their pages may have gone since. */
  readonly mailboxes?: readonly MailboxTruth[];
}

/** Until all is as it should be, or nothing moves any more: what is broken then is broken for good. */
export async function settle(ending: Ending): Promise<Outcome> {
  const { stage, seed, size, devices, plain } = ending;
  const all = [...devices, ...plain];
  const reconnects = createRandom(seed, 'reconnect').next() < size.reconnects;
  const calmAt = stage.now();
  let lastMove = calmAt;
  // Nothing has to wait for a reconnect but what pushes alone tell of: that is looked at after one.
  let reconnected = false;
  let before = '';
  for (;;) {
    let isDelivered = false;
    const delivered = stage.settled().then(() => (isDelivered = true));
    await Promise.race([
      Promise.all([delivered, ...all.map((one) => one.sync())]),
      stage.wait(STANDSTILL_MS),
    ]);
    // A queue gives back only after a minute what somebody died over.
    if (!isDelivered && stage.now() - calmAt < LATEST_DELIVERY_MS) continue;
    const now = JSON.stringify(all.map(({ progress }) => progress));
    if (now !== before) lastMove = stage.now();
    before = now;
    const standstill = stage.now() - lastMove >= STANDSTILL_MS;
    if (standstill || all.every(({ isQuiet }) => isQuiet)) {
      await Promise.all(devices.map((device) => device.takeStock()));
      const history = await review(ending);
      const violations = [...check(history), ...(reconnected ? checkLists(history) : [])];
      if (violations.length === 0 ? reconnected || !reconnects : standstill) return { history, violations };
      if (violations.length === 0) {
        reconnected = true;
        lastMove = stage.now();
        for (const one of all) one.cut();
      }
    }
    await stage.wait(POLL_MS);
  }
}

/** What everybody saw, and what the server says. */
function review(ending: Ending): Promise<RunHistory> {
  const { stage, seed, users, pool, group, groups, devices, plain, sleepers, company } = ending;
  const { gone = [], mailboxes = [], isSequel = false } = ending;
  const all = [...devices, ...plain, ...gone];
  return auditors(stage, pool, async (each) => {
    const seen: Awaited<ReturnType<typeof readGroup>>[] = [];
    // An auditor asks one thing after the other.
    const knownOf = (reader: string) => mailboxes.find(({ userId }) => userId === reader)?.events;
    for (const one of groups) seen.push(await readGroup(one, each, knownOf));
    const inAll = each.filter(({ userId }) => users.includes(userId));
    const truths = await Promise.all(inAll.map((one) => readTruths(one, users, group)));
    return {
      seed,
      sent: all.flatMap(({ sent }) => sent),
      waiting: all.flatMap(({ waiting }) => waiting),
      wishes: all.flatMap(({ wishLog }) => wishLog.wishes),
      reactionLimits: stage.reactionLimits ?? limits.reactions,
      devices: devices.map((device) => device.history),
      plain: plain.map((client) => client.history),
      mailboxes: await Promise.all(each.map((one) => readMailbox(one, knownOf(one.userId)))),
      truths: [...truths.flat(), ...seen.flatMap((one) => one.truths)],
      groups: seen.map(({ truth }) => truth),
      asked: company.stewards.flatMap(({ asked }) => asked),
      sleepers: sleepers.map((sleeper) => sleeper.history),
      notified: stage.notified?.() ?? [],
      poison: stage.poisonSeen?.() ?? { put: 0, givenUp: 0 },
      // What is over after a month is no void, and what tables held that are gone nobody counts.
      ...(!isSequel && { settleMs: stage.settleMs }),
    };
  });
}
