// Seeds that failed once, with what they found. They are run for ever.

import { wholeOf, type Size } from './size.ts';

export interface Regression {
  readonly seed: number;
  readonly found: string;
  /** As large as the seed says (size.ts); of before there were sizes if not. */
  readonly sized?: true;
  /** As large as it was when it failed, where the seed says something else today. */
  readonly size?: Size;
}

export const regressions: readonly Regression[] = [
  { seed: 5, found: 'I2: a failed message was passed by four others, retried, and stored twice' },
  { seed: 55, found: 'P5.12a: the answer to a reaction, older than what came meanwhile, was shown for good' },
  {
    seed: 70_119,
    found: 'I1: a message that waited, written late by a life that was over, held up its conversation',
  },
  {
    seed: 20_269,
    found: 'I11: an entry that was acknowledged stayed, and what came later woke nobody',
    sized: true,
  },
  {
    seed: 21_422,
    found: 'I6: a read position met an expired token, and was never told again',
    sized: true,
  },
  {
    seed: 60_560,
    found: 'P7: told to stay away just when its token was over, it came back by itself',
    size: wholeOf(3028),
  },
  {
    seed: 61_658,
    found:
      'I3: a cursor that moved while a sync looked was taken for one beyond the mailbox, which was reset',
    sized: true,
  },
  {
    seed: 62_936,
    found: 'P7: what was sent while one connection ended and the next opened did not wait for the sync',
    sized: true,
  },
  {
    seed: 305_282,
    found:
      'I4: after a month a message that had waited for one before it was shown as it had been before its edit',
    sized: true,
  },
  {
    seed: 405_220,
    found:
      'P5.12a: carried out late, or met with a fence, a reaction that another device told of was told again',
    size: wholeOf(20_261),
  },
  {
    seed: 965,
    found: 'I4: an app that started again had forgotten what a message had become that it still waited for',
    sized: true,
  },
  {
    seed: 581,
    found: 'P5.12a: a late copy undid a reaction that was there again, under a number that was told before',
    sized: true,
  },
  {
    seed: 61,
    found: 'P7: a tab that had not heard of a kick went on for the one that had, and took the place back',
    sized: true,
  },
  {
    seed: 118,
    found: 'I1: what a tab had told came late, and the tab that held the connection by then followed it',
    sized: true,
  },
  {
    seed: 189,
    found: 'I1: kicked, and held by another tab then, the device did not say so any more, and stayed away',
    sized: true,
  },
  {
    seed: 401_554,
    found:
      'P7: a tab asked after one kick, and was heard after the next: it took the place back from who had it then',
    sized: true,
  },
  {
    seed: 520,
    found:
      'P5.12a: a write that hung put a reaction back that was taken back meanwhile, and nobody heard of it',
    size: wholeOf(26),
  },
  {
    seed: 2_629,
    found:
      'P5.12a: a page of history, read before a reaction was taken back and heard after that, showed it again',
    sized: true,
  },
  {
    seed: 967,
    found:
      'P7: holders counted kicks anew: what was asked after one of a holder before was taken for asked after the last',
    sized: true,
  },
  {
    seed: 501_620,
    found:
      'I7: a page of history that had a recall was given as the message was told to be, late, from before that',
    size: wholeOf(25_081),
  },
  {
    seed: 502_300,
    found:
      'I8: an edit was numbered after its group was dismissed; so were an edit and a reaction after their user went',
    size: wholeOf(25_115),
  },
  {
    seed: 504_523,
    found: 'a holder kept the place for a tab that had had it meanwhile, and no tab was connected',
    sized: true,
  },
  {
    seed: 504_853,
    found: 'I8: a send had a number from when its member was out, for they came anew while it was under way',
    sized: true,
  },
  {
    seed: 507_463,
    found:
      'I2: a tab asked a later holder for what one before it had stored and sent: a device sent a message again, too late',
    sized: true,
  },
  {
    seed: 507_621,
    found:
      'P5.12a, the checker: a conversation forgets for what it took a number when it takes others, of whatever messages',
    sized: true,
  },
  {
    seed: 502_220,
    found:
      'I2: a tab heard what an earlier holder was asked when it was the holder: a message was sent again, too late',
    sized: true,
  },
  {
    seed: 502_224,
    found:
      'I8: who met a reaction that its user had not told of yet told of it in their own name, as if they had reacted',
    sized: true,
  },
  {
    seed: 503_480,
    found:
      'P7: what a holder before was asked took the place back, though another device had taken over since and a third tab knew',
    sized: true,
  },
  {
    seed: 506_760,
    found:
      'I1, the checker: of a conversation that it did not know a device has the newest page after a reset, not all',
    sized: true,
  },
];
