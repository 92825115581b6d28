// Who beside the devices' users is in the groups of a run, and what becomes of those.
import { createRandom, type Random } from '../../../local/faults/random.ts';
import type { Size } from '../size.ts';
import type { Stage } from '../stage.ts';
import { Steward } from './steward.ts';

const SECOND_GROUP = 0.25;
const LARGE_COMPANY = 0.04;
const STEWARDS = 3;
/** So many groups are dismissed, if their owner gets to it; of those that stay small, for of these mailboxes hold everything. */
const ENDING_GROUPS = 0.25;
const SMALL = 10;

export interface Company {
  /** Known to the server by a first connection; most have no device that is ever on. */
  readonly extras: readonly string[];
  /** The first of them make groups, all of them change them. */
  readonly stewards: readonly Steward[];
  readonly groups: number;
}

export function drawCompany(stage: Stage, seed: number, size: Size): Company {
  const random = createRandom(seed, 'company');
  if (random.next() < 1 - size.groups) return { extras: [], stewards: [], groups: 0 };
  const count =
    random.next() < LARGE_COMPANY ? random.integer(12, 37) : random.integer(STEWARDS, size.extras);
  const extras = Array.from({ length: count }, (_, index) => `extra${index + 1}-${seed}`);
  const stewards = extras
    .slice(0, STEWARDS)
    .map((userId) => new Steward({ stage, userId, random: createRandom(seed, `steward ${userId}`) }));
  return { extras, stewards, groups: random.next() < SECOND_GROUP ? 2 : 1 };
}

export interface Founded {
  readonly conversationId: string;
  readonly founder: string;
  /** Whether those who come later see what was before: no control message tells of it. */
  readonly history: 'all' | 'joined';
  /** Somebody may dismiss it. */
  readonly mayEnd: boolean;
}

export interface Stewardship {
  readonly stage: Stage;
  readonly seed: number;
  readonly company: Company;
  /** Everybody who may come and go. */
  readonly pool: readonly string[];
  readonly acts: number;
  /** As soon as there is one. */
  readonly onFounded: (group: Founded) => void;
  /** Those are being asked to go. */
  readonly onRemoval: (group: Founded, users: readonly string[]) => void;
}

/** Makes the groups, and then changes them, several stewards at the same time. */
export async function steer(stewardship: Stewardship): Promise<void> {
  const { company } = stewardship;
  await Promise.all(
    company.stewards.slice(0, company.groups).map(async (founder, index) => {
      const group = await found(stewardship, founder, index);
      if (!group) return;
      stewardship.onFounded(group);
      await Promise.all(company.stewards.map((steward) => change(stewardship, steward, group)));
    }),
  );
}

async function found(
  { seed, pool }: Stewardship,
  founder: Steward,
  index: number,
): Promise<Founded | undefined> {
  const random = createRandom(seed, `group ${index}`);
  const members = pool.filter((userId) => userId !== founder.userId && random.next() < 0.6);
  const history = random.next() < 0.15 ? 'all' : 'joined';
  const policy = { history };
  const fields = { clientGroupId: `group-${index}-of-${seed}`, title: `Group ${index}`, members, policy };
  const answer = await founder.ask('createGroup', undefined, fields);
  const conversationId = answer?.['conversationId'] as string | undefined;
  const mayEnd = pool.length < SMALL && createRandom(seed, `end of group ${index}`).next() < ENDING_GROUPS;
  return conversationId === undefined
    ? undefined
    : { conversationId, founder: founder.userId, history, mayEnd };
}

async function change(stewardship: Stewardship, steward: Steward, group: Founded): Promise<void> {
  const { stage, seed, acts } = stewardship;
  const random = createRandom(seed, `${steward.userId} in ${group.founder}'s`);
  for (let n = 1; n <= acts; n++) {
    await stage.wait(random.between(0, 300));
    const { action, fields } = draw(stewardship, steward, { random, group, n });
    if (action === 'removeMembers') stewardship.onRemoval(group, fields['users'] as string[]);
    await steward.ask(action, group.conversationId, fields);
    if (random.next() < 0.05) steward.cut();
  }
}

interface Act {
  readonly action: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

interface Occasion {
  readonly random: Random;
  readonly group: Founded;
  readonly n: number;
}

function draw(
  { company, pool }: Stewardship,
  { userId: me }: Steward,
  { random, group: { founder, mayEnd }, n }: Occasion,
): Act {
  // The founder stays, for all of the group to be read by somebody in the end.
  const others = pool.filter((userId) => userId !== founder);
  const one = () => others[random.integer(0, others.length - 1)]!;
  const some = () => [...new Set(Array.from({ length: random.integer(1, 3) }, one))];
  if (mayEnd && random.next() < 0.2) return { action: 'dismissGroup', fields: {} };
  const lot = random.next();
  if (lot < 0.3) return { action: 'addMembers', fields: { users: some() } };
  if (lot < 0.5) return { action: 'removeMembers', fields: { users: some() } };
  if (lot < 0.62) {
    const { stewards } = company;
    const { userId } = stewards[random.integer(0, stewards.length - 1)]!;
    return { action: 'setRole', fields: { userId, role: random.next() < 0.35 ? 'owner' : 'admin' } };
  }
  if (lot < 0.67) return { action: 'setRole', fields: { userId: one(), role: 'member' } };
  if (lot < 0.77) {
    const seconds = random.next() < 0.4 ? 0 : random.integer(1, 20);
    return { action: 'muteMember', fields: { userId: one(), seconds } };
  }
  if (lot < 0.87)
    return { action: 'updateGroup', fields: { title: `Title ${n} of ${random.integer(1, 99)}` } };
  if (lot < 0.95) return { action: 'updateGroup', fields: drawOpening(random) };
  return me === founder
    ? { action: 'updateGroup', fields: { announcement: `${n}` } }
    : { action: 'leaveGroup', fields: {} };
}

/** Whether anybody may write. */
function drawOpening(random: Random): Act['fields'] {
  const isClosing = random.next() < 0.3;
  return random.next() < 0.5
    ? { mutedAll: isClosing }
    : { policy: { post: isClosing ? 'admins' : 'members' } };
}
