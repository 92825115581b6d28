// Groups as everybody who ever may have been in them is told of them, after the storm.
import { readAll, readMailbox, type Ask, type Auditor, type Position } from '../auditor.ts';
import type { Slot } from '../../../src/protocol/messages.ts';
import type { SyncEvent } from '../../../src/protocol/server-frames.ts';
import type { MailboxTruth, Truth } from '../history.ts';
import type { Founded } from './company.ts';
import { codeOf } from './frames.ts';
import type { GroupMember, GroupTruth, View } from './history.ts';
import { replay } from './replay.ts';

interface Seen {
  readonly truth: GroupTruth;
  /** For those who are in it. */
  readonly truths: readonly Truth[];
}

export async function readGroup(
  { conversationId, founder, history }: Founded,
  auditors: readonly Auditor[],
  knownOf: (userId: string) => readonly SyncEvent[] | undefined,
): Promise<Seen> {
  const seen = await Promise.all(auditors.map((one) => readView(one, conversationId)));
  const views = seen.map(({ view }) => view);
  const all = views.find(({ userId }) => userId === founder)!;
  const reader = auditors.find(({ userId }) => userId === founder)!;
  const isEnded = !all.group;
  const slots = isEnded ? slotsOf(await readMailbox(reader, knownOf(founder)), conversationId) : all.slots;
  const { cutoverSeq } = replay(slots);
  const members = isEnded ? [] : await readMembers(reader.ask, conversationId);
  const truths = seen.flatMap(({ view, position }): Truth[] => {
    const { userId, group, slots, floorSeq, headSeq } = view;
    if (!group || !position) return [];
    const { joinedSeq } = group['me'] as { readonly joinedSeq: number };
    const { unread, readSeq } = position;
    const place = { slots, floorSeq, joinedSeq, cutoverSeq, headSeq };
    const ids = members.map((member) => member.userId);
    return [{ userId, conversationId, members: ids, ...place, unread, readSeq, peerReadSeq: 0 }];
  });
  // Whoever looks for a message looks where all of it is to be read.
  const founderFirst = truths.toSorted((left, right) => left.floorSeq - right.floorSeq);
  return {
    truth: { conversationId, founder, history, isEnded, slots, members, views },
    truths: founderFirst,
  };
}

/** What the mailbox has of it; what is not there, is taken for void. */
function slotsOf({ events }: MailboxTruth, conversationId: string): Slot[] {
  const entries = events.flatMap((event) =>
    event.kind === 'message' && event.message.conversationId === conversationId ? [event.message] : [],
  );
  const bySeq = new Map(entries.map((slot) => [slot.seq, slot]));
  const headSeq = Math.max(0, ...bySeq.keys());
  return Array.from(
    { length: headSeq },
    (_, index) => bySeq.get(index + 1) ?? { conversationId, seq: index + 1, void: true },
  );
}

async function readView(
  { userId, ask, tell }: Auditor,
  conversationId: string,
): Promise<{ readonly view: View; readonly position: Position | undefined }> {
  const [group, members, page] = [
    await tell('group', { conversationId }),
    await tell('members', { conversationId }),
    await tell('history', { conversationId }),
  ];
  const refusals = [group, members, page].flatMap((frame) => codeOf(frame) ?? []);
  const { positions } = await ask('positions', { conversationIds: [conversationId] });
  const [position] = positions as Position[];
  const read = page['ok'] ? await readAll(ask, conversationId) : { slots: [], headSeq: 0, floorSeq: 1 };
  const view = { userId, refusals, ...read, isPositioned: position !== undefined };
  return { view: { ...view, group: group['ok'] ? group : undefined }, position };
}

async function readMembers(ask: Ask, conversationId: string): Promise<GroupMember[]> {
  const members: GroupMember[] = [];
  for (let cursor: unknown; ;) {
    const page = await ask('members', { conversationId, limit: 7, ...(cursor !== undefined && { cursor }) });
    members.push(...(page['members'] as GroupMember[]));
    cursor = page['next'];
    if (cursor === undefined) return members;
  }
}
