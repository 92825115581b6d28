// A group is what its control messages say, and who is not in it is told nothing.
import type { Violation } from '../violations.ts';
import type { GroupTruth, View } from './history.ts';
import type { Replayed } from './replay.ts';

export function checkState(group: GroupTruth, replayed: Replayed): Violation[] {
  const { conversationId, members, views } = group;
  const { roles, stays, contradictions } = replayed;
  const violations: Violation[] = contradictions.map((what) => ({ invariant: 'P5', what }));
  const find = (invariant: Violation['invariant'], what: string) =>
    violations.push({ invariant, what: `${conversationId}: ${what}` });
  const owners = members.filter(({ role }) => role === 'owner').map(({ userId }) => userId);
  if (owners.length !== (group.isEnded ? 0 : 1)) find('P5', `has ${owners.length} owners: ${owners.join()}`);
  const listed = members.map(({ userId, role, joinedSeq }) => `${userId} ${role} ${joinedSeq}`);
  const expected = [...roles].map(([userId, role]) => `${userId} ${role} ${stays.get(userId)!.at(-1)!.from}`);
  const differences = [
    ...listed.filter((one) => !expected.includes(one)).map((one) => `lists ${one}`),
    ...expected.filter((one) => !listed.includes(one)).map((one) => `does not list ${one}`),
  ];
  for (const difference of differences) find('P5', difference);
  if (listed.length !== new Set(listed).size) find('P5', 'lists somebody twice');
  for (const { userId, mutedUntil } of members) {
    if (mutedUntil !== undefined && mutedUntil !== replayed.mutedUntil.get(userId))
      find('P5', `${userId} is muted until ${mutedUntil}, which nothing told of`);
  }
  for (const view of views)
    for (const what of describe(view, group, replayed)) find(what.invariant, what.what);
  return violations;
}

function describe(view: View, { members, history }: GroupTruth, replayed: Replayed): Violation[] {
  const { userId, refusals, isPositioned, floorSeq, group } = view;
  const { roles, stays, policy, cutoverSeq } = replayed;
  const role = roles.get(userId);
  if (!role) {
    const isRefused = refusals.length === 3 && refusals.every((code) => code === 'not_member');
    if (isRefused && !isPositioned) return [];
    return [
      {
        invariant: 'I8',
        what: `${userId} is not in, and is refused ${refusals.length} of 3: ${refusals.join()}`,
      },
    ];
  }
  if (!group) return [{ invariant: 'P5', what: `${userId} is in, and is refused: ${refusals.join()}` }];
  const joinedSeq = stays.get(userId)!.at(-1)!.from;
  const me = group['me'] as { readonly role: string; readonly joinedSeq: number };
  const expected = {
    title: replayed.title,
    announcement: replayed.announcement,
    owner: [...roles].find(([, one]) => one === 'owner')?.[0],
    memberCount: members.length,
    fanout: cutoverSeq === Infinity ? 'write' : 'read',
    mutedAll: replayed.mutedAll,
    role,
    joinedSeq,
    floorSeq: history === 'all' ? 1 : joinedSeq,
    ...policy,
    history,
  };
  const told = {
    ...group,
    ...(group['policy'] as object),
    role: me.role,
    joinedSeq: me.joinedSeq,
    floorSeq,
  } as Readonly<Record<string, unknown>>;
  return Object.entries(expected)
    .filter(([field, value]) => told[field] !== value)
    .map(([field, value]): Violation => {
      const what = `${userId} is told ${field} ${String(told[field])}, not ${String(value)}`;
      return { invariant: 'P5', what };
    });
}
