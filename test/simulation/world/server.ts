// The product's functions, put together as the template does: all actions behind one route, and what runs beside them.
import { typing } from '../../../src/core/ephemeral.ts';
import { conversations } from '../../../src/core/conversation-list.ts';
import { unread } from '../../../src/core/unread.ts';
import { edit, recall } from '../../../src/core/changes.ts';
import { findSuccessor } from '../../../src/core/connections.ts';
import { react } from '../../../src/core/reactions.ts';
import type { Context } from '../../../src/core/context.ts';
import { settings } from '../../../src/core/conversation-settings.ts';
import { carryOut } from '../../../src/core/groups/carry-out.ts';
import { createGroup } from '../../../src/core/groups/create-group.ts';
import { group, members, muteMember, setRole, updateGroup } from '../../../src/core/groups/management.ts';
import { dismissGroup, leaveGroup, removeMembers } from '../../../src/core/groups/leaving.ts';
import { addMembers } from '../../../src/core/groups/membership.ts';
import type { Task } from '../../../src/core/groups/task.ts';
import { subscribe, unsubscribe } from '../../../src/core/groups/subscriptions.ts';
import { history } from '../../../src/core/history.ts';
import { pending } from '../../../src/core/pending.ts';
import { arrive, leave } from '../../../src/core/people/arrivals.ts';
import { block, blocked, unblock } from '../../../src/core/people/blocks.ts';
import { contact, contacts } from '../../../src/core/people/contacts.ts';
import { preferences } from '../../../src/core/people/preferences.ts';
import { presence } from '../../../src/core/people/presence.ts';
import { profile, profiles } from '../../../src/core/people/profiles.ts';
import { unwatchPresence, watchPresence } from '../../../src/core/people/watches.ts';
import { registerForPush } from '../../../src/core/push-devices.ts';
import { positions, read } from '../../../src/core/read-positions.ts';
import { receipts } from '../../../src/core/receipts.ts';
import { search } from '../../../src/core/search/search.ts';
import { send } from '../../../src/core/send.ts';
import { ack, ping, sync } from '../../../src/core/sync.ts';
import { clientFrames } from '../../../src/protocol/client-frames.ts';
import { download } from '../../../src/core/media/download.ts';
import { upload } from '../../../src/core/media/upload.ts';
import { callerOf, type WebSocketEvent } from '../../../src/runtime/caller.ts';
import { route, type Routes } from '../../../src/runtime/route.ts';
import { notify, type NotifierContext } from '../../../src/core/notifications/notify.ts';
import type { Note } from '../../../src/core/notifications/note.ts';
import { offlineStream } from '../../../src/runtime/notes.ts';
import { messageStream } from '../../../src/runtime/stream.ts';

const routes: Required<Routes> = {
  send: [clientFrames.send, send],
  sync: [clientFrames.sync, sync],
  ack: [clientFrames.ack, ack],
  pending: [clientFrames.pending, pending],
  history: [clientFrames.history, history],
  read: [clientFrames.read, read],
  positions: [clientFrames.positions, positions],
  receipts: [clientFrames.receipts, receipts],
  recall: [clientFrames.recall, recall],
  react: [clientFrames.react, react],
  edit: [clientFrames.edit, edit],
  conversations: [clientFrames.conversations, conversations],
  unread: [clientFrames.unread, unread],
  settings: [clientFrames.settings, settings],
  search: [clientFrames.search, search],
  device: [clientFrames.device, registerForPush],
  ping: [clientFrames.ping, ping],
  createGroup: [clientFrames.createGroup, createGroup],
  group: [clientFrames.group, group],
  members: [clientFrames.members, members],
  addMembers: [clientFrames.addMembers, addMembers],
  removeMembers: [clientFrames.removeMembers, removeMembers],
  leaveGroup: [clientFrames.leaveGroup, leaveGroup],
  dismissGroup: [clientFrames.dismissGroup, dismissGroup],
  updateGroup: [clientFrames.updateGroup, updateGroup],
  setRole: [clientFrames.setRole, setRole],
  muteMember: [clientFrames.muteMember, muteMember],
  subscribe: [clientFrames.subscribe, subscribe],
  unsubscribe: [clientFrames.unsubscribe, unsubscribe],
  typing: [clientFrames.typing, typing],
  preferences: [clientFrames.preferences, preferences],
  profile: [clientFrames.profile, profile],
  profiles: [clientFrames.profiles, profiles],
  contact: [clientFrames.contact, contact],
  contacts: [clientFrames.contacts, contacts],
  presence: [clientFrames.presence, presence],
  watchPresence: [clientFrames.watchPresence, watchPresence],
  unwatchPresence: [clientFrames.unwatchPresence, unwatchPresence],
  block: [clientFrames.block, block],
  unblock: [clientFrames.unblock, unblock],
  blocked: [clientFrames.blocked, blocked],
  upload: [
    clientFrames.upload,
    (ctx, caller, request) => upload({ ...ctx, newId: () => caller.connectionId }, caller, request),
  ],
  download: [clientFrames.download, download],
};

export const server = {
  request: (ctx: Context, event: WebSocketEvent) => route(routes, ctx)(event),
  stream: (ctx: Context, event: Parameters<ReturnType<typeof messageStream>>[0]) =>
    messageStream(ctx)(event, { awsRequestId: 'simulated' }),
  offlineStream: (ctx: Context, event: Parameters<ReturnType<typeof offlineStream>>[0]) =>
    offlineStream(ctx)(event),
  note: (ctx: NotifierContext, note: Note) => notify(ctx, note),
  task: (ctx: Context, task: Task) => carryOut(ctx, task),
  connect: (ctx: Context, event: WebSocketEvent) => arrive(ctx, callerOf(event)),
  disconnect: (ctx: Context, event: WebSocketEvent) => leave(ctx, callerOf(event)),
  async findSuccessor(ctx: Context, event: WebSocketEvent): Promise<string | undefined> {
    const successor = await findSuccessor(ctx, callerOf(event));
    return successor && `${successor.deviceId} ${successor.platform}`;
  },
} as const;

export type Server = typeof server;
