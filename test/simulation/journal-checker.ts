// A device's position stands on entries that it heard, without a hole (I3), no cursor is ahead of its disk (I5), and what
// the protocol asks of a client (P7) it does.
import type { DeviceHistory } from './history.ts';
import type { Violation } from './violations.ts';

interface Extent {
  readonly from: number;
  readonly to: number;
}

export function checkJournal({ userId, deviceId, journal }: DeviceHistory): Violation[] {
  const violations: Violation[] = [];
  const find = (invariant: Violation['invariant'], what: string) =>
    violations.push({ invariant, what: `${userId}/${deviceId} ${what}` });
  let heard: Extent[] = [];
  /** Over the present connection: where the mailbox is another one, it is this one's. */
  let heardLately: Extent[] = [];
  let begins = [0];
  let kept = 0;
  let told = 0;
  let isKicked = false;
  const knowing = new Set<number>();
  for (const step of journal) {
    if ('opens' in step) heardLately = [];
    if ('heard' in step) for (const list of [heard, heardLately]) list.push(step.heard);
    if ('begins' in step) {
      if (step.begins > told) find('I5', `told ${told}, and is to begin after ${step.begins}`);
      begins.push(step.begins);
    }
    if ('anew' in step) [heard, begins] = [[...heardLately], [0, step.anew]];
    if ('kept' in step) {
      kept = step.kept;
      if (!begins.some((begin) => reach(begin, heard) >= kept && begin <= kept))
        find('I3', `moved to ${kept}, over entries that it never heard`);
    }
    if ('kicked' in step) isKicked = true;
    if ('knows' in step) knowing.add(step.knows);
    if ('asked' in step) isKicked = false;
    if (!isKicked) knowing.clear();
    if ('opens' in step && isKicked) {
      const { tab, resume } = step.opens;
      if (tab === undefined || knowing.has(tab)) find('P7', 'was told to stay away, and came back by itself');
      // The tab that was told so is gone: the server tells the next, unless that takes over.
      else if (!resume) find('P7', 'was told to stay away, and a tab that did not know of it took over');
      // The others see it connect, for all they know because its user wants it to.
      else knowing.clear();
    }
    if ('hasty' in step) find('P7', 'sent before it had synced to the head');
    if ('told' in step) {
      if (step.told > kept) find('I5', `told that it had ${step.told}, with ${kept} on its disk`);
      told = Math.max(told, step.told);
    }
  }
  return violations;
}

/** How far entries join up. */
function reach(begin: number, heard: readonly Extent[]): number {
  let reached = begin;
  for (const { from, to } of heard.toSorted((left, right) => left.from - right.from)) {
    if (from > reached + 1) break;
    reached = Math.max(reached, to);
  }
  return reached;
}
