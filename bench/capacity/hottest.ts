// The hottest keys: what one item takes in a busy second, which no splitting of partitions helps.
import { createRandom } from '../../local/faults/random.ts';
import { busySecond, drawBusiest, quantileOf } from './chance.ts';
import type { Inputs } from './inputs.ts';

export interface HotKey {
  readonly key: string;
  /** Write units a second of that item in half of the cases, and in all but the rarest. */
  readonly median: number;
  readonly quantile: number;
}

export interface Hottest {
  readonly directHead: HotKey;
  readonly groupHead: HotKey;
  readonly mailbox: HotKey;
  /** Messages a second of the hottest group that is written to its members, at the quantile. */
  readonly groupMessages: number;
  readonly directMessages: number;
}

/** An entry of a mailbox, with its part of the page that is sealed every sixteen. */
const UNITS_AN_ENTRY = 1 + 2 / 16;

/** @param mailboxEntries of all users, a second, at the peak. */
export function hottestOf(inputs: Inputs, mailboxEntries: number): Hottest {
  const { messagesPerSecond, groupShare, conversations, groups, users, activityExponent, quantile } = inputs;
  const direct: number[] = [];
  const group: number[] = [];
  const mailbox: number[] = [];
  const random = createRandom(inputs.seed, 'hottest');
  const busiest = (total: number, count: number) =>
    busySecond((total / Math.max(1, count)) * drawBusiest(count, activityExponent, random), random);
  for (let trial = 0; trial < inputs.trials; trial++) {
    direct.push(busiest(messagesPerSecond * (1 - groupShare), conversations));
    group.push(busiest(messagesPerSecond * groupShare, groups));
    // Who is in the hottest group has its messages, whatever else they get.
    mailbox.push(Math.max(busiest(mailboxEntries, users), direct.at(-1)!, group.at(-1)!));
  }
  const hotKey = (key: string, values: readonly number[], units: number): HotKey => ({
    key,
    median: units * quantileOf(values, 0.5),
    quantile: units * quantileOf(values, quantile),
  });
  return {
    // Read positions of a direct conversation stand in the same item.
    directHead: hotKey('HEAD of a direct conversation', direct, 1 + inputs.recipientsOnline * inputs.reads),
    groupHead: hotKey('HEAD of a group', group, 1),
    mailbox: hotKey('HEAD of a mailbox', mailbox, UNITS_AN_ENTRY),
    groupMessages: quantileOf(group, quantile),
    directMessages: quantileOf(direct, quantile),
  };
}
