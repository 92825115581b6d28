// What was answered is done. A late copy of a request may do it once more, when it was undone meanwhile.
import type { Message, Slot } from '../../../src/protocol/messages.ts';
import type { Violation } from '../violations.ts';
import { codeOf, type ServerFrame } from './frames.ts';
import type { Asked, GroupTruth } from './history.ts';
import { isControl } from './replay.ts';

export function checkRequests(
  { conversationId }: GroupTruth,
  slots: readonly Slot[],
  asked: readonly Asked[],
): Violation[] {
  const controls = slots.filter(isControl);
  const mine = asked.filter((one) => one.conversationId === conversationId);
  return mine.flatMap((one) => one.answers.flatMap((answer) => checkAnswer(one, answer, controls)));
}

const told = (controls: readonly Message[], op: string, by: string) =>
  controls.filter(({ from, body }) => from === by && body['op'] === op).map(({ body }) => body);

function checkAnswer(
  { by, action, fields }: Asked,
  answer: ServerFrame,
  controls: readonly Message[],
): Violation[] {
  if (codeOf(answer)) return [];
  const find = (what: string): Violation => ({
    invariant: 'P5',
    what: `${by} was answered that ${what}, which nothing tells of`,
  });
  const missing = (op: string, users: readonly string[]) => {
    const named = new Set(told(controls, op, by).flatMap((body) => body['users'] as readonly string[]));
    return users.filter((userId) => !named.has(userId));
  };
  switch (action) {
    case 'addMembers':
      return missing('group.added', answer['added'] as string[]).map((userId) => find(`${userId} came`));
    case 'removeMembers':
      return missing('group.removed', answer['removed'] as string[]).map((userId) => find(`${userId} went`));
    case 'leaveGroup':
      return told(controls, 'group.left', by).length > 0 ? [] : [find('they left')];
    case 'dismissGroup':
      return told(controls, 'group.dismissed', by).length > 0 ? [] : [find('it is no more')];
    case 'muteMember': {
      const until = answer['mutedUntil'];
      const isTold = told(controls, 'group.muted', by).some(
        (body) => body['userId'] === fields['userId'] && body['until'] === until,
      );
      return isTold || until === 0
        ? []
        : [find(`${String(fields['userId'])} is muted until ${String(until)}`)];
    }
    default:
      return [];
  }
}
