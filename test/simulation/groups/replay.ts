// What a group comes to by its control messages alone, from its first number on.
import type { Message, Slot } from '../../../src/protocol/messages.ts';
import { isVoid } from '../../../src/protocol/slots.ts';
import type { Role } from './frames.ts';

/** In from the message that told of their joining on, up to the one that told of their going, or with the group's last. */
export interface Stay {
  readonly from: number;
  /** Absent: still in. */
  readonly to?: number;
  readonly end?: 'left' | 'removed' | 'dismissed';
}

export interface Policy {
  readonly invite: string;
  readonly post: string;
}

export interface Replayed {
  readonly roles: ReadonlyMap<string, Role>;
  readonly stays: ReadonlyMap<string, readonly Stay[]>;
  readonly title: string;
  readonly announcement: string;
  readonly policy: Policy;
  readonly mutedAll: boolean;
  /** Messages up to here stand in mailboxes; Infinity: all. */
  readonly cutoverSeq: number;
  /** When they may write again, as it was said last. */
  readonly mutedUntil: ReadonlyMap<string, number>;
  /** Ever told that they may not write, or that nobody may. */
  readonly everMuted: ReadonlySet<string>;
  readonly wasClosed: boolean;
  /** What a control message says that cannot be, in view of those before it. */
  readonly contradictions: readonly string[];
}

export const isControl = (slot: Slot): slot is Message => !isVoid(slot) && slot.type === 'control';

type Told = Readonly<Record<string, unknown>> & { readonly op: string; readonly by: string };

export function replay(slots: readonly Slot[]): Replayed {
  const roles = new Map<string, Role>();
  const stays = new Map<string, Stay[]>();
  const mutedUntil = new Map<string, number>();
  const everMuted = new Set<string>();
  const contradictions: string[] = [];
  const state = {
    title: '',
    announcement: '',
    policy: { invite: 'members', post: 'members' },
    mutedAll: false,
    cutoverSeq: Infinity,
    wasClosed: false,
  };
  for (const slot of slots.filter(isControl)) {
    const { seq } = slot;
    const told = slot.body as unknown as Told;
    const doubt = (what: string) => contradictions.push(`${slot.conversationId}/${seq} ${told.op}: ${what}`);
    const join = (userId: string, role: Role) => {
      if (roles.has(userId)) doubt(`${userId} is in already`);
      roles.set(userId, role);
      mutedUntil.delete(userId);
      stays.set(userId, [...(stays.get(userId) ?? []), { from: seq }]);
    };
    const go = (userId: string, end: NonNullable<Stay['end']>) => {
      if (!roles.delete(userId)) doubt(`${userId} is not in`);
      const before = stays.get(userId) ?? [];
      const last = before.at(-1);
      if (last)
        stays.set(userId, [
          ...before.slice(0, -1),
          { from: last.from, to: end === 'dismissed' ? seq + 1 : seq, end },
        ]);
    };
    if (told.by !== slot.from) doubt(`by ${told.by}, from ${slot.from}`);
    if (told.op.startsWith('group.') && told.op !== 'group.created' && !roles.has(told.by)) {
      doubt(`by ${told.by}, who is not in`);
    }
    const named = told['users'] as readonly string[];
    switch (told.op) {
      case 'group.created':
        state.title = told['title'] as string;
        join(told.by, 'owner');
        for (const userId of named) join(userId, 'member');
        break;
      case 'group.added':
        for (const userId of named) join(userId, 'member');
        break;
      case 'group.removed':
        for (const userId of named) go(userId, 'removed');
        break;
      case 'group.left':
        go(told.by, 'left');
        break;
      case 'group.dismissed':
        for (const userId of roles.keys()) go(userId, 'dismissed');
        break;
      case 'group.role':
        if (!roles.has(told['userId'] as string)) doubt(`${String(told['userId'])} is not in`);
        roles.set(told['userId'] as string, told['role'] as Role);
        break;
      case 'group.muted':
        mutedUntil.set(told['userId'] as string, told['until'] as number);
        everMuted.add(told['userId'] as string);
        break;
      case 'group.updated':
        Object.assign(state, told['values']);
        state.wasClosed ||= state.mutedAll || state.policy.post === 'admins';
        break;
      case 'group.fanout':
        if (state.cutoverSeq !== Infinity) doubt('it has crossed before');
        if (told['from'] !== seq) doubt(`it says from ${String(told['from'])}`);
        state.cutoverSeq = seq;
        break;
      default:
    }
    const counted = told['memberCount'] as number | undefined;
    if (counted !== undefined && counted !== roles.size) {
      doubt(`says ${counted} members, of ${roles.size}`);
    }
  }
  return { ...state, roles, stays, mutedUntil, everMuted, contradictions };
}

export const stayAt = (stays: readonly Stay[] | undefined, seq: number): Stay | undefined =>
  stays?.find(({ from, to = Infinity }) => from <= seq && seq < to);
