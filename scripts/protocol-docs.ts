// Writes docs/protocol.md: the prose is here, every field, bound and code comes from the schemas.
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { clientFrames } from '../src/protocol/client-frames.ts';
import { errorAdvice, errorCatalogue, errorCodes } from '../src/protocol/errors.ts';
import { platforms } from '../src/protocol/ids.ts';
import { peopleLimits } from '../src/protocol/client-limits.ts';
import { limits } from '../src/protocol/limits.ts';
import { bodySchemas, messageSchema, voidSlotSchema } from '../src/protocol/messages.ts';
import { pushFrames, responseFrames, syncEventSchema } from '../src/protocol/server-frames.ts';
import { BEARER_PREFIX, SUBPROTOCOL } from '../src/protocol/version.ts';
import { fieldWriter, mergeVariants, type JsonSchema } from './field-table.ts';
import { jsonSchema } from './json-schema.ts';

export const protocolDocument = fileURLToPath(new URL('../docs/protocol.md', import.meta.url));

const { fieldTable, fieldList, typeOf, bodyTable } = fieldWriter(({ properties = {} }) => {
  if (properties['void']) return 'void';
  return properties['clientMsgId'] && 'message';
});

type Action = keyof typeof clientFrames;
type AnsweredAction = keyof typeof responseFrames;

export const whatItDoes: Readonly<Record<Action, string>> = {
  send: `Stores a message. The answer means: durable and numbered. The same \`clientMsgId\` from the same sender answers the original \`seq\` and \`duplicate: true\`; with another payload, \`idempotency_conflict\`. After a timeout, send the same again with the same \`clientMsgId\`; keep at most one unanswered send per conversation, and after a reconnect sync to the head before resending. The body is at most ${limits.bodyBytes / 1024} KB as JSON. \`ephemeral\` messages are pushed to who is online, within a conversation that exists, never stored and not numbered. Beginning conversations, or trying to, is limited (20 a minute by default, \`rate_limited\`). \`replyTo\` must be a message that the sender may see; it and \`mentions\` come back in the message as they were sent. \`cursor\` acknowledges on the way, as \`ack\` does.`,
  sync: 'Events of the mailbox after a cursor, in syncSeq order. `next` is the cursor to ask from next: asking `after: n` acknowledges everything up to n. `reset: true`: the cursor is older than what the mailbox keeps, or beyond its head; fill conversations from `history`, then go on from `head`. An answer may hold fewer events than `limit`, to stay within one WebSocket message; follow `more`. `mailbox` is an opaque name of this very mailbox: when it is another than before, the server was set up anew, and nothing that you have stored of it holds; do not use your cursor, begin at 0.',
  ack: 'Acknowledges everything up to `cursor`. One-way: there is no answer, and a cursor that is beyond the head changes nothing.',
  pending:
    'Counts first: what came after the device’s stored cursor, or after `after`. `total` and `waiting` count messages of others after it; `unread` is exact for the whole conversation.',
  history:
    'A conversation by `seq`, ascending, voids included, so that it is dense. None of `before`, `after` and `around`: the newest. `around`: half the page before that time, half from it on; its `end` says that it holds all there is. `pending: true`: the page ends before a slot that is not settled; ask again shortly. `end`: nothing further in the direction asked. Below `floorSeq` nothing is shown.',
  read: 'Moves the caller’s read position forward, never back: a smaller `seq` answers the position as it is, one beyond the head is `bad_request`. Sending implies reading. The user’s other devices and, in a direct conversation, the peer’s are told by a `read` push.',
  positions:
    'Positions of the conversations that the caller is in; others are left out. Read positions are state and not in the mailbox: after a reconnect, ask for the conversations that you show as unread, or with own messages that you show as not read yet.',
  receipts:
    'Who, other than its author, has read a message, and who has not. A void, an expired or no message is `not_found`.',
  recall:
    'Takes a message back for everybody: its sender within `recallSeconds` (120 by default; later `recall_expired`), others `forbidden`; a void, an expired or no message is `not_found`. When it is answered, no answer and no push holds the old body any more: the slot reads `recalled: true, body: {}`. A silent `control` message, `{"op":"recall","seq":5,"by":"alice"}`, tells of it; the event that brings it carries `target`, the message as it is now. The answer to a message that was sent within the last second takes until the pushes under way have ended.',
  edit: 'Gives a message another body of its type: its sender alone, within `editSeconds` (900 by default; later `recall_expired`). `edited` is the time: of two versions, the one with the later `edited` is newer. A silent `control` message, `{"op":"edit",…}`, tells of it, as with `recall`. The same `clientMsgId` again answers the same.',
  react: `Reacts to a message with an emoji, or with \`remove: true\` takes that back; what is so already changes nothing. Answers all reactions of the message as they are: of each emoji how many, at most 20 of the users, and whether the caller is one (\`mine\`); messages carry the same as \`reactions\`, if there are any. A message takes at most ${limits.reactions.emoji} different emoji and ${limits.reactions.reactions} reactions (\`too_large\`), a conversation 16 a second (\`rate_limited\`). A silent \`control\` message, \`{"op":"reaction",…}\`, tells of it, as with \`recall\`. A recall takes them away.`,
  conversations:
    'The caller’s conversations: pinned ones first, then the most recent first; with `hidden: true` those that are hidden. `last` is the newest message that the caller may see and that is no void, `control`, recalled or expired one, else `null`. Follow `next` until there is none: no conversation is skipped or comes twice while new messages arrive, for pages go by what was the newest when the first was asked for. A page may hold fewer than `limit`, or none.',
  unread: `Unread messages of all conversations: \`total\` without muted ones. \`complete: false\`: there are more than ${limits.unreadConversations} conversations, and those first by id were counted.`,
  settings:
    'A user’s own view of a conversation: give what is to change; all five are answered as they are now. `hidden` lasts until the next message; `clearedSeq` clears everything up to it for this user alone, reads it, and only moves forward. The user’s other devices get a `conversation` event, `change: "settings"`, with the settings of the moment of reading.',
  search:
    'Messages of the caller’s conversations in which the query occurs: in `text`, in the `name` of an attachment, in the `text` of a `custom` body. Neither case nor compatibility forms matter (NFKC: wide letters, ligatures, composed and decomposed accents); accents do, and several words are looked for as one text. Hits are newest first; those of all conversations so as far as the caller’s mailbox tells (its last 512 entries), then conversation by conversation, each page newest first. Nothing is shown that `history` would not show, no recalled message, and no `control` message. A request reads about a megabyte at most: a page may have few hits or none; follow `next` until there is none, with the same `query`, `from` and `conversationId`, and each message that was there when the search began comes once. `scanned`: messages looked at in this request. Pages are limited (60 a minute by default, `rate_limited`).',
  device:
    'Registers this device for push notifications, or with `remove: true` takes it back. At most eight devices of a user; for one more, the one that was seen longest ago makes room. A push token belongs to the last device that registered it.',
  createGroup: `Makes a group with the caller as its owner. The same \`clientGroupId\` again answers the same group with \`duplicate: true\`; with other fields, \`idempotency_conflict\`. \`skipped\` names users that are not in it, and why. At most ${limits.groupRequestUsers} at once; more by \`addMembers\`.`,
  group:
    'What a group is, and what the caller is in it. Who is not in it learns nothing: `not_member`, whether it exists or not.',
  members: 'Members in the order of their ids; follow `next`.',
  addMembers:
    'Adds users: every member, or by `policy.invite` the owner and admins alone. Who is there already, unknown, blocking the caller, or more than the group or the user’s own groups have room for is `skipped`; `group_full` when nobody had room.',
  removeMembers:
    'Removes members: the owner anybody else, admins those who are none. From then on they are `not_member`, and nothing that was sent after it reaches them.',
  leaveGroup: 'The owner of others hands over first, or dismisses the group (`forbidden`).',
  dismissGroup: 'Ends the group for everybody: its owner alone.',
  updateGroup:
    'Gives a group another title, avatar, announcement or policy, or mutes all but the owner and admins: the owner and admins. `""` takes avatar and announcement away.',
  setRole:
    'Makes a member an admin, or none any more, or (`owner`) hands the group over, which leaves the caller an admin: the owner alone.',
  muteMember:
    'Who is muted reads and does not write (`muted`): the owner and admins may mute who is below them. `seconds: 0` ends it.',
  subscribe:
    'For groups with read fan-out that are being looked at: new messages come as `group` pushes on this connection from now on. Answers the newest number of each conversation that the caller is in; others are left out.',
  unsubscribe: 'Ends it, for this connection.',
  typing:
    'Pushed to the other users of the conversation who are online (of a large group: who looks at it), and stored nowhere. Send it again every few seconds while it lasts; who hears nothing more takes it for over.',
  preferences:
    'What the caller wants of the service: give what is to change; `presence`, `receipts` and `previews` are answered as they are now, true unless said otherwise. Without `receipts` nobody is told how far the caller has read, by push or answer, and the caller is not told of others; `receipts` counts them as unread. Without `presence` the caller reads as offline, and whoever watches is told so at once. Without `previews`, notifications do not say what a message says. With `mentions: false`, which is answered only while it is so, a muted conversation is silent also when it mentions or answers the caller.',
  profile:
    'How the caller presents themselves: give what is to change; the profile is answered as it is now. `version` counts its changes; what is so already changes nothing. `""` takes the avatar away. Everybody may read it.',
  profiles:
    'Profiles of any users, in the order asked, each once; of one that has none, or does not exist, `name` is the userId. Those that fit one answer: ask for the others again. What was changed a moment ago may be missing.',
  contact:
    'Keeps a user as a contact, for the caller alone, or changes that, or with `remove: true` ends it: give what is to change; the contact is answered as it is now. What is so already changes nothing. All of the caller’s devices get a `contact` event, with the contact of the moment of reading; none: it was removed. `user_not_found`: no such user was ever there.',
  contacts: 'The caller’s contacts in the order of their ids; follow `next`.',
  presence:
    'Who of these users is online, in the order asked, each once. Who does not exist, wants nobody to see it (`preferences`), or blocks the caller reads as offline, without `lastSeen`.',
  watchPresence: `Answers as \`presence\` does, and from then on, while this connection lasts, a \`presence\` push tells of each of them who comes or goes. Watching the same again changes nothing; after a reconnect, watch again. A connection watches ${peopleLimits.presenceWatches} users at most (\`too_large\`), and of those who watch one user a thousand devices are told.`,
  unwatchPresence: 'Ends it, for this connection.',
  block:
    'Takes no more messages from a user: their sends, edits and `typing` are `blocked`, in a conversation that exists and in one that begins later, and they cannot add the caller to groups. Neither is told how far the other has read in their conversation, nor they that the caller types. The caller may still write to them. What is so already changes nothing; `user_not_found`: no such user was ever there.',
  unblock: 'Ends it.',
  blocked: 'Whom the caller blocks, in the order of their ids; follow `next`.',
  upload:
    'Where to put a file, before the message that names it is sent: PUT it to `url` with these `headers` and exactly `size` bytes, until `expiresAt` (15 minutes); then send the message with `media` as its body’s `url`. The file belongs to the first message of its uploader that names it, in this conversation alone: what no message names is gone after a day. 412 to a PUT: the file is there already, from a try whose answer was lost. Without `conversationId`, for an avatar: smaller (`avatarMaxBytes`), and readable by every user. Refused as a send would be: `not_member`, `blocked`, `muted`; more bytes than `mediaMaxBytes` (100 MB by default) are `too_large`; 60 uploads a minute (`rate_limited`).',
  download:
    'Where to get a file, until `expiresAt` (15 minutes), whole or by `Range`: for who may see the message that names it; as long as none does, for who uploaded it; avatars for everybody. A file that was sent a moment ago may need `seq`, the number of the message. `not_found` when the message was recalled, or is not for the caller.',
  ping: 'Keeps the connection alive, tells the mailbox head, and acknowledges if `cursor` is given.',
};

export const whatItTells: Readonly<Record<keyof typeof pushFrames, string>> = {
  sync: `An extent of the mailbox, both ends included. It can be lost, repeated or overtaken: if \`from\` is not your position + 1, pull. Without \`events\` they did not fit ${limits.frameBytes / 1024} KB: pull. The device that made a message is not pushed its own copy; an extent may start below its first event, over entries that this device made.`,
  ephemeral: 'A message that is not stored.',
  group:
    'New messages of a large group that this connection subscribes to, in the order of `seq`, at most every 200 ms under load. Voids are left out, and so is what did not fit: if the first is not the next after what you have, or the last is below `headSeq`, read `history`.',
  read: 'A read position moved: one’s own, from another device, or the peer’s. It can be lost: `positions` has them.',
  presence:
    'Somebody whom this connection watches came or went; `since` is when. Under a storm of reconnects it comes once a second at most, with what is so by then. It can be lost; who goes for a moment comes back: believe offline after 10 s without a new one.',
  typing: 'Somebody types; with `stopped`, no more.',
  kicked:
    'Another device of this platform took the place of this one, or, where `by` names the very same device, a newer connection of it did; without `by` the app’s own backend ended it, and `reason` says why. The connection is closed. Do not reconnect by yourself. A client that opened that newer connection takes no notice; any other one is a copy, and stops.',
};

export function renderProtocol(): string {
  const [userId, deviceId] = [limits.userId, limits.deviceId];
  return [
    '# Wire protocol `im.v1`',
    '<!-- Made by `npm run docs` from src/protocol; a test holds it against the schemas. Do not edit. -->',
    'One WebSocket, JSON text frames, UTF-8. Additions (new actions, new optional fields) are no breaking changes: ignore fields that you do not know. This page says what all of it means together, and what a client has to do; to look up an operation, or what a field of a message means: [asyncapi.md](asyncapi.md), made from [asyncapi.json](asyncapi.json) (AsyncAPI 3, for machines).',
    '## Connecting',
    [
      '```',
      'GET wss://HOST/STAGE?deviceId=<deviceId>&platform=<platform>',
      `Sec-WebSocket-Protocol: ${SUBPROTOCOL}, ${BEARER_PREFIX}<JWT>`,
      '```',
    ].join('\n'),
    `The token is a JWT (ES256, RS256 or EdDSA) whose \`sub\` is the user; it travels as the second subprotocol, and the server answers \`${SUBPROTOCOL}\`. \`deviceId\` is made once by an install and kept (1–${deviceId} characters, as user ids: 1–${userId} of letters, digits and \`_ . @ -\`). Platforms: ${platforms.map((name) => `\`${name}\``).join(', ')}. Refusals: 401 no or bad token; 403 a foreign \`Origin\`, or a token of another device (claim \`deviceId\`); 400 a wrong query. One connection per platform: a newer device kicks the older. Say \`&resume=1\` when you reconnect by yourself: if another device took over meanwhile, the connection is let in, told \`kicked\` at its first request, and closed, and the other one stays; without it, you take over. Connections end after 2 hours at most; \`ping\` at least every 4.5 minutes.`,
    '## Requests and answers',
    `\`{"action":"send","id":"r1",…}\` is answered by \`{"id":"r1","ok":true,…}\` or \`{"id":"r1","ok":false,"error":{"code","message","retryable","retryAfterMs"?}}\`. Frames are at most ${limits.frameBytes / 1024} KB.`,
    '## Messages',
    fieldTable(jsonSchema(messageSchema)),
    `A slot that will never hold a message reads as a void: \`${JSON.stringify({ conversationId: '…', seq: 6, void: true })}\`, with ${names(jsonSchema(voidSlotSchema))}. Conversations are \`d:<userA>:<userB>\`, the two in code-unit order, or \`g:<id>\`.`,
    bodyTable(Object.entries(bodySchemas).map(([type, schema]) => [type, jsonSchema(schema)])),
    `A body may have more fields than its type names, at most ${limits.bodyBytes / 1024} KB as JSON in UTF-8, and objects and arrays nested ${limits.bodyDepth} levels deep, itself the first. It comes back exactly as it was sent, every key included, though perhaps with its keys in another order. \`bad_request\` are deeper ones, half a surrogate pair in a string or key (a text cut in the middle of an emoji), and a number that no double can hold.`,
    'For clients in other languages: **numbers are IEEE doubles**, so integers beyond 2^53 lose digits, and have to be sent as strings. **Send UTF-8, not ASCII with `\\u` escapes**, as some JSON libraries write by default: a frame is measured as it is sent, so that a body of 8,000 Cyrillic letters, 16 KB, is 48 KB of escapes, and the connection is closed with 1009.',
    `An event of the mailbox: ${typeOf(jsonSchema(syncEventSchema))}.`,
    '## Actions',
    ...(Object.keys(clientFrames) as Action[]).map(renderAction),
    '## Pushes',
    ...(Object.keys(pushFrames) as (keyof typeof pushFrames)[]).map((name) =>
      [`### \`${name}\``, whatItTells[name], fieldTable(jsonSchema(pushFrames[name]))].join('\n\n'),
    ),
    '## Errors',
    '| code | retryable | what to do |\n|---|---|---|',
    ...errorCodes.map(
      (code) => `| \`${code}\` | ${errorCatalogue[code].retryable ? 'yes' : 'no'} | ${errorAdvice[code]} |`,
    ),
  ]
    .join('\n\n')
    .replaceAll(/\|\n\n\|/g, '|\n|')
    .concat('\n');
}

function renderAction(action: Action): string {
  const request = jsonSchema(clientFrames[action]);
  const parts = [
    `### \`${action}\``,
    whatItDoes[action],
    fieldTable(mergeVariants(request), { hidden: ['action', 'id'] }),
  ];
  if (action in responseFrames) {
    const response: JsonSchema = jsonSchema(responseFrames[action as AnsweredAction]);
    const answers = (response.anyOf ?? [response]).map(
      (variant) => fieldList(variant, ['id', 'ok']) || 'nothing more',
    );
    parts.push(`Answer: ${answers.join('; or ')}.`);
  }
  return parts.filter(Boolean).join('\n\n');
}

const names = (schema: JsonSchema) =>
  Object.keys(schema.properties ?? {})
    .map((name) => `\`${name}\``)
    .join(', ');

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(protocolDocument, renderProtocol());
