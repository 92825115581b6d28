// What a run found, put into words.
import type { Failure } from './player.ts';
import type { Outcome } from './simulation.ts';

export function failureOf(outcome: Outcome): Failure {
  const { seed, sent } = outcome.history;
  const answered = sent.filter(({ seqs }) => seqs.length > 0).length;
  const invariants = [...new Set(outcome.violations.map(({ invariant }) => invariant))];
  return { seed, report: report(outcome), answered, invariants };
}

/** What went wrong, and how to see it again. */
export function report({ history, violations }: Outcome): string {
  const conversations = new Set(
    violations.flatMap(({ what }) =>
      history.truths.map(({ conversationId }) => conversationId).filter((id) => what.includes(id)),
    ),
  );
  return [
    `Seed ${history.seed}: ${violations.length} violations`,
    ...violations.slice(0, 20).map(({ invariant, what }) => `  ${invariant} ${what}`),
    ...history.truths
      .filter(({ conversationId }) => conversations.has(conversationId))
      .map(
        ({ conversationId, userId, slots }) =>
          `  ${conversationId} as ${userId} reads it: ${slots.map((slot) => ('void' in slot ? 'void' : slot.clientMsgId.slice(0, 6))).join(' ')}`,
      ),
    ...history.devices.map(
      ({ userId, deviceId, shown }) =>
        `  ${userId}/${deviceId} showed ${shown
          .map(
            ({ conversationId, seq }) =>
              `${conversationId
                .split(':')
                .slice(1)
                .map((id) => id[0])
                .join('')}${seq}`,
          )
          .join(' ')}`,
    ),
  ].join('\n');
}
