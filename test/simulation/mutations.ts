// Builds without one of the guards. The simulation must fail with each of them, or it proves nothing.
import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';
import { loadTemplate } from '../../local/template/template.ts';
import { buildFunctions } from '../../scripts/build.ts';

export interface Mutation {
  readonly name: string;
  readonly side: 'server' | 'client';
  /** Below the root of the project. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly guard: string;
  readonly without: string;
}

export const mutations: readonly Mutation[] = [
  {
    name: 'ring condition: a send takes a number although its device has sent it before',
    side: 'server',
    file: 'src/core/claims.ts',
    guard: 'return [...notSent, timely, inOrder].join',
    // DynamoDB refuses values that no expression names.
    without: 'return [...notSent.map((one) => `(${one} OR attribute_exists(#ring))`), timely, inOrder].join',
  },
  {
    name: 'slot condition: a message is put into a slot that is taken',
    side: 'server',
    file: 'src/core/timeline.ts',
    guard: "    item,\n    condition: 'attribute_not_exists(#conversationId)',",
    without: '    item,',
  },
  {
    name: 'page condition: a page is emptied that somebody else has sealed before',
    side: 'server',
    file: 'src/core/mailbox.ts',
    guard: "condition: '#base = :base',",
    without: "condition: '#base = :base OR attribute_exists(#base)',",
  },
  {
    name: 'pointer condition: a batch that comes twice is appended twice, and seals are not waited for',
    side: 'server',
    file: 'src/core/mailbox.ts',
    guard: "'size(#page) <= :room',",
    without: "'(size(#page) <= :room OR attribute_exists(#page))',",
  },
  {
    name: 'pointer condition, half of it: a batch that comes twice is appended twice',
    side: 'server',
    file: 'src/core/mailbox.ts',
    guard: '`NOT contains(#page, :${name})`',
    without: '`(NOT contains(#page, :${name}) OR attribute_exists(#page))`',
  },
  {
    name: 'fence: a void is put into a slot that holds a message',
    side: 'server',
    file: 'src/core/fencing.ts',
    guard:
      "({ kind: 'put', table: 'Messages', item, condition: 'attribute_not_exists(#conversationId)' }) as const;",
    without: "({ kind: 'put', table: 'Messages', item }) as const;",
  },
  {
    name: 'fence: readers step over a hole instead of waiting for it to settle',
    side: 'server',
    file: 'src/core/fencing.ts',
    guard: 'if (ctx.now() - settledSince <= ctx.settings.settleMs) return [];',
    without: 'if (ctx.now() - settledSince <= ctx.settings.settleMs) return slots.map(emptySlot);',
  },
  {
    name: 'recall: the body stays',
    side: 'server',
    file: 'src/core/taken-back.ts',
    guard: "empty: '{}',",
    without: "empty: item['body'],",
  },
  {
    name: 'recall: the control message carries the body',
    side: 'server',
    file: 'src/core/changes.ts',
    guard: "body: { op: 'recall', seq },",
    without: "body: { ...message.body, op: 'recall', seq },",
  },
  {
    name: 'react: a reaction takes a number each time that it comes',
    side: 'server',
    file: 'src/core/reaction-numbers.ts',
    guard: '`NOT begins_with(${ringPath.entry(n)}, :id)`',
    without: '`(NOT begins_with(${ringPath.entry(n)}, :id) OR attribute_exists(#ring))`',
  },
  {
    name: 'react: a reaction is not looked for among those that have a number',
    side: 'server',
    file: 'src/core/reaction-numbers.ts',
    guard: 'const same = ring && findSend(ring, id, REMEMBERED);',
    without: 'const same = ring && findSend(ring, id, 0);',
  },
  {
    name: 'react: a change is made under a number that is told already',
    side: 'server',
    file: 'src/core/kept-reactions.ts',
    guard: "'NOT contains(#told, :own)',",
    without: "'(NOT contains(#told, :own) OR attribute_exists(#told))',",
  },
  {
    name: 'react: a number tells of the message while a write under it may hang',
    side: 'server',
    file: 'src/core/reactions.ts',
    guard: 'if (isSpent(number.seq, item)) return true;',
    without: 'if (isSpent(number.seq, item) || number.seq > 0) return true;',
  },
  {
    name: 'react: it is written although it changes nothing any more',
    side: 'server',
    file: 'src/core/reactions.ts',
    guard: "remove ? 'contains(#emoji, :user)' : 'NOT contains(#emoji, :user)',",
    without:
      "remove ? '(contains(#emoji, :user) OR attribute_exists(#type))' : '(NOT contains(#emoji, :user) OR attribute_exists(#type))',",
  },
  {
    name: 'react: what was told under a void is not told again',
    side: 'server',
    file: 'src/core/reactions.ts',
    guard: 'const tells = (slot: Slot) => !isVoid(slot);',
    without: 'const tells = (slot: Slot) => !isVoid(slot) || slot.seq > 0;',
  },
  {
    name: 'recall: reactions stay',
    side: 'server',
    file: 'src/core/taken-back.ts',
    guard: 'Object.fromEntries(reactionAttributes(item).map(',
    without: 'Object.fromEntries(reactionAttributes(item).slice(99).map(',
  },
  {
    name: 'recall: somebody reacts meanwhile',
    side: 'server',
    file: 'src/core/taken-back.ts',
    guard: "reacted === undefined ? 'attribute_not_exists(#reacted)' : '#reacted = :reacted'",
    without:
      "reacted === undefined ? 'attribute_exists(#type)' : '(#reacted = :reacted OR attribute_exists(#type))'",
  },
  {
    name: 'blocked: a send does not mind',
    side: 'server',
    file: 'src/core/claims.ts',
    guard: "['attribute_not_exists(#blocked)', ...shift.conditions]",
    without: "['(attribute_not_exists(#blocked) OR attribute_exists(#conversationId))', ...shift.conditions]",
  },
  {
    name: 'blocked: the conversation is not told of a block',
    side: 'server',
    file: 'src/core/people/blocks.ts',
    guard: "update: { update: 'SET #blocked = :one', values: { one: 1 } },",
    without: "update: { update: 'REMOVE #blocked' },",
  },
  {
    name: 'blocked: the conversation is not told that it is over',
    side: 'server',
    file: 'src/core/people/blocks.ts',
    guard: "update: { update: 'REMOVE #blocked' },",
    without: "update: { update: 'SET #blocked = :one', values: { one: 1 } },",
  },
  {
    name: 'unread: what was recalled or voided still counts',
    side: 'server',
    file: 'src/core/members.ts',
    guard: 'return head.counted - readCounted - (await countUncounted(ctx, conversationId, head, readSeq));',
    without: 'return head.counted - readCounted;',
  },
  {
    name: 'unread: always one more',
    side: 'server',
    file: 'src/core/members.ts',
    guard: 'return head.counted - readCounted - (await countUncounted(ctx, conversationId, head, readSeq));',
    without:
      'return head.counted - readCounted - (await countUncounted(ctx, conversationId, head, readSeq)) + 1;',
  },
  {
    name: 'read: a position goes back',
    side: 'server',
    file: 'src/core/read-positions.ts',
    guard: 'attribute_exists(#conversationId) AND (attribute_not_exists(#readSeq) OR #readSeq < :seq)',
    without: 'attribute_exists(#conversationId)',
  },
  {
    name: 'group: fan-out does not mind when somebody went',
    side: 'server',
    file: 'src/core/groups/known-groups.ts',
    guard: 'joinedSeq <= seq && (leftSeq === undefined || seq < leftSeq);',
    without: 'joinedSeq <= seq || leftSeq === seq;',
  },
  {
    name: 'group: fan-out does not mind when somebody came',
    side: 'server',
    file: 'src/core/groups/known-groups.ts',
    guard: 'joinedSeq <= seq && (leftSeq === undefined || seq < leftSeq);',
    without: 'joinedSeq > 0 && (leftSeq === undefined || seq < leftSeq);',
  },
  {
    name: 'group: a change is made although something was numbered since its state was read',
    side: 'server',
    file: 'src/core/groups/group-changes.ts',
    guard: "condition: '#seq = :seq',",
    without: "condition: '#seq = :seq OR attribute_exists(#seq)',",
  },
  {
    name: 'group: a send is noted although its member went',
    side: 'server',
    file: 'src/core/groups/group-send.ts',
    guard: "'attribute_exists(#role) AND #joinedSeq < :seq',",
    without:
      "'attribute_exists(#conversationId) AND (#joinedSeq < :seq OR attribute_exists(#conversationId))',",
  },
  {
    name: 'group: a send takes a number although a copy of it has one',
    side: 'server',
    file: 'src/core/groups/group-send.ts',
    guard: "let written = await take(notTaken.join(' AND '), CLAIMS_SIZE - 1, {});",
    without:
      "let written = await take(notTaken.map((one) => `(${one} OR attribute_exists(#seq))`).join(' AND '), CLAIMS_SIZE - 1, {});",
  },
  {
    name: 'group: a send takes a number after the group was dismissed',
    side: 'server',
    file: 'src/core/groups/group-send.ts',
    guard: "'attribute_not_exists(#dismissedSeq)',",
    without: "'attribute_exists(#seq)',",
  },
  {
    name: 'group: who was in a group that is dismissed is in it still',
    side: 'server',
    file: 'src/core/members.ts',
    guard: 'if (!groupMember || group.dismissedSeq !== undefined) return undefined;',
    without: 'if (!groupMember) return undefined;',
  },
  {
    name: 'group: the cut-over is told by what the group is, not by the number',
    side: 'server',
    file: 'src/core/groups/deliveries.ts',
    guard: 'head.cutoverSeq === undefined || seq <= head.cutoverSeq;',
    without: 'head.cutoverSeq === undefined;',
  },
  {
    name: 'group: members are remembered whatever their version',
    side: 'server',
    file: 'src/core/groups/known-groups.ts',
    guard: 'return known?.version === version ? known.stays : undefined;',
    without: 'return known?.stays;',
  },
  {
    name: 'notifier: what came while a device was told wakes nobody',
    side: 'server',
    file: 'src/core/offline-queue.ts',
    guard: "condition: '#lastSyncSeq <= :syncSeq',",
    without: "condition: 'attribute_exists(#userId) AND :syncSeq = :syncSeq',",
  },
  {
    name: 'notifier: a device that has more by now is not looked at anew',
    side: 'server',
    file: 'src/core/notifications/notify.ts',
    guard: "if (marked === 'grown') {",
    without: "if (marked === 'grown' && syncSeq < 0) {",
  },
  {
    name: 'notifier: what was acknowledged is told',
    side: 'server',
    file: 'src/core/notifications/waiting.ts',
    guard: 'const after = Math.max(cursor, mailbox.seq - MAX_ENTRIES);',
    without: 'const after = Math.max(0, mailbox.seq - MAX_ENTRIES);',
  },
  {
    name: 'notifier: a device that looks connected is not watched',
    side: 'server',
    file: 'src/core/deliver.ts',
    guard: 'if (notes.length > 0) watched.push',
    without: 'if (notes.length > 1_000) watched.push',
  },
  {
    name: 'notifier: a device that acknowledged is not watched on for what came since',
    side: 'server',
    file: 'src/core/notifications/notify.ts',
    guard: 'if (newest > cursor) await watchOn',
    without: 'if (newest > cursor + 1_000) await watchOn',
  },
  {
    name: 'notifier: an entry that is acknowledged stays, and wakes nobody any more',
    side: 'server',
    file: 'src/core/notifications/notify.ts',
    guard: 'else if (entry) await forgetAcknowledged(',
    without: 'else if (entry && newest < 0) await forgetAcknowledged(',
  },
  {
    name: 'client: what met an expired token is not tried again',
    side: 'client',
    file: 'src/client/connection/connection.ts',
    guard: 'retryable: retryable || isOver',
    without: 'retryable',
  },
  {
    name: 'client: what a reaction was answered is shown, whatever came meanwhile',
    side: 'client',
    file: 'src/client/extra-operations.ts',
    guard: 'unless: () => isHeard',
    without: 'unless: () => isHeard && seq < 0',
  },
  {
    name: 'client: what was shown already is shown again when it comes again',
    side: 'client',
    file: 'src/client/store/gap-buffer.ts',
    guard: 'if (seq <= (timeline.shownSeq ?? 0) || known.has(seq)) return false;',
    without: '',
  },
  {
    name: 'client: the position moves before the messages are stored',
    side: 'client',
    file: 'src/client/sync/inbox.ts',
    guard: '    await store.update({\n      ...(meta && { meta: forward(meta, store.meta) }),',
    without:
      '    if (meta) await store.update({ meta: forward(meta, store.meta) });\n' +
      '    await store.update({\n      ...(meta && { meta: forward(meta, store.meta) }),',
  },
  {
    name: 'client: an extent is taken although what is before it is missing',
    side: 'client',
    file: 'src/client/sync/extents.ts',
    guard: 'if (extent.from > reached + 1 || !extent.events) {',
    without: 'if (!extent.events) {',
  },
  {
    name: 'client: the outbox goes on before the sync after a reconnect',
    side: 'client',
    file: 'src/client/session.ts',
    guard: 'this.#isNew = true;',
    without: 'this.#isNew = true; this.outbox.resume();',
  },
  {
    name: 'client: a page is acknowledged before it is stored',
    side: 'client',
    file: 'src/client/sync/sync.ts',
    guard: 'await inbox.take({ ...intake, meta });',
    without:
      "void request('ping', { cursor: next }).catch(() => {});\n" +
      "      await inbox.take({ ...intakeOf(events, 'catch-up'), meta });",
  },
  {
    name: 'client: pushes do not wait for the catch-up',
    side: 'client',
    file: 'src/client/sync/sync.ts',
    guard: 'this.#extents.push({ from, to, events });',
    without:
      "if (state.is === 'working' && events) {\n" +
      "      void this.#options.inbox.take({ ...intakeOf(events, 'live'), meta: { position: to } }).catch(() => {});\n" +
      '      return;\n' +
      '    }\n' +
      '    this.#extents.push({ from, to, events });',
  },
  {
    name: 'client: what comes is shown although something before it is missing',
    side: 'client',
    file: 'src/client/store/gap-buffer.ts',
    guard: 'while (waiting[count]?.slot.seq === shownSeq + count + 1) count++;',
    without:
      'if (waiting.length > 0)\n' +
      '    return { timeline: { shownSeq: waiting.at(-1)!.slot.seq, waiting: [] }, released: waiting };',
  },
  {
    name: 'client: holes are not asked for',
    side: 'client',
    file: 'src/client/sync/hole-repair.ts',
    guard: 'if (isDue) this.#schedule(conversationId, patienceMs, 0);',
    without: '',
  },
  {
    name: 'client: one that was kicked comes back by itself',
    side: 'client',
    file: 'src/client/session.ts',
    guard: 'return this.#yieldTo(push);',
    without: 'return;',
  },
  {
    name: 'client: one that is kicked when its token is over comes back by itself',
    side: 'client',
    file: 'src/client/connection/connection.ts',
    guard: "if (this.isOpen || frame.push === 'kicked')",
    without: 'if (this.isOpen)',
  },
  {
    name: 'client: a socket that is silent is kept',
    side: 'client',
    file: 'src/client/connection/connection.ts',
    guard: 'if (this.#heard === heard) this.#abandon();',
    without: 'void heard;',
  },
  {
    name: 'tabs: what a tab has shown is shown again',
    side: 'client',
    file: 'src/client/tabs/view.ts',
    guard: 'if (seq <= (this.#shown.get(conversationId) ?? 0)) return;',
    without: '',
  },
  {
    name: 'tabs: what came between two holders is shown to none but the next',
    side: 'client',
    file: 'src/client/tabs/tab.ts',
    guard: "this.calls.ask('join', view.positions)",
    without: "this.calls.ask('join', undefined)",
  },
  {
    name: 'tabs: what a holder tells is shown before a tab knows where it stands',
    side: 'client',
    file: 'src/client/tabs/tab.ts',
    guard: 'if (waiting) waiting.push(report);',
    without: 'if (waiting && waiting.length < 0) waiting.push(report);',
  },
  {
    name: 'tabs: one that follows a holder that was kicked connects in its place',
    side: 'client',
    file: 'src/client/tabs/tab.ts',
    guard: "if (name === 'kicked') this.#stayAway();",
    without: '',
  },
  {
    name: 'tabs: one that did not know of it yet takes the place back from another device',
    side: 'client',
    file: 'src/client/tabs/host.ts',
    guard: "this.state === 'kicked' && lastKick < this.#lastKick",
    without: "this.state === 'kicked' && lastKick < 0",
  },
  {
    name: 'tabs: one that goes on for a holder that is gone takes the place of another device',
    side: 'client',
    file: 'src/client/tabs/tab.ts',
    guard: 'host.start(isHeir)',
    without: 'host.start(isHeir && this.#closed)',
  },
  {
    name: 'tabs: what a holder that is gone was to send is not sent by the next',
    side: 'client',
    file: 'src/client/tabs/calls.ts',
    guard: "else if (action !== 'join') this.#transmit(call);",
    without: "else if (action !== 'join' && action !== 'send') this.#transmit(call);",
  },
];

/** None for no name. */
export function findMutation(name: string | undefined): Mutation | undefined {
  if (name === undefined) return undefined;
  const found = mutations.find((mutation) => mutation.name === name);
  if (!found) throw new Error(`No mutation is called "${name}"`);
  return found;
}

/** Loads the mutated file in place of the real one; refuses to go on when the guard has moved. */
export function mutate(mutation: Mutation): Plugin {
  const path = fileURLToPath(new URL(`../../${mutation.file}`, import.meta.url));
  return {
    name: 'mutation',
    setup(build) {
      build.onLoad({ filter: new RegExp(`${mutation.file.replaceAll('.', '\\.')}$`) }, async () => {
        const source = await readFile(path, 'utf8');
        const parts = source.split(mutation.guard);
        if (parts.length !== 2)
          throw new Error(`"${mutation.guard}" stands ${parts.length - 1} times in ${mutation.file}`);
        return { contents: parts.join(mutation.without), loader: 'ts', resolveDir: dirname(path) };
      });
    },
  };
}

/** A copy of the synthesized app whose functions are built with the mutation; returns the path of its template. */
export async function mutateTemplate(templatePath: string, mutation: Mutation): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'serverless-im-mutation-'));
  const app = join(directory, 'cdk.out');
  const bundles = join(directory, 'functions');
  await cp(dirname(templatePath), app, { recursive: true });
  await buildFunctions({ outDirectory: bundles, plugins: [mutate(mutation)] });
  const mutated = join(app, templatePath.slice(dirname(templatePath).length));
  const model = await loadTemplate(mutated, {
    parameters: { TokenKeys: '{"kty":"EC"}', TokenIssuer: '*', TokenAudience: '*' },
  });
  for (const { name, modulePath } of model.functions) {
    await writeFile(modulePath, await readFile(join(bundles, name, 'index.mjs')));
  }
  return mutated;
}
