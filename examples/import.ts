// History of another system, from a file of JSON Lines {conversationId, from, clientMsgId, type, body, serverTime}:
//   npx tsx examples/import.ts FILE
// Run it again after whatever went wrong: what is imported already is passed over. The file is held in memory; a larger one is
// cut by conversation.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createServiceClient, type ServiceRequest } from '../src/client/package/service.ts';
import { serviceAccess } from './access.ts';

type Import = ServiceRequest<'importMessages'>;
type Message = Import['messages'][number];

const MESSAGES_A_REQUEST = 25;
const USERS_A_REQUEST = 100;
/** A conversation is imported in its order; several at once. */
const CONVERSATIONS_AT_ONCE = 16;
const SHOWN_EACH = 5_000;
/** Write units: of a message, and of a request beside its messages (docs/service-api.md). */
const UNITS = { message: 4, request: 3 };

const [file] = process.argv.slice(2);
if (!file) throw new Error('usage: npx tsx examples/import.ts FILE');

const service = createServiceClient(await serviceAccess());
const conversations = await read(file);
const total = [...conversations.values()].reduce((sum, messages) => sum + messages.length, 0);
const requests = [...conversations.values()].reduce(
  (sum, messages) => sum + Math.ceil(messages.length / MESSAGES_A_REQUEST),
  0,
);
const units = total * UNITS.message + requests * UNITS.request;
console.log(`${total} messages of ${conversations.size} conversations: about ${units} write units`);
await makeKnown(conversations.keys());

const count = { stored: 0, known: 0, refused: 0 };
const waiting = conversations.entries();
await Promise.all(
  Array.from({ length: CONVERSATIONS_AT_ONCE }, async () => {
    // One iterator for all: each takes the next.
    for (const [conversationId, messages] of waiting) await importConversation(conversationId, messages);
  }),
);
console.log(`${count.stored} imported, ${count.known} were there already, ${count.refused} refused`);
process.exitCode = count.refused > 0 ? 1 : 0;

async function read(path: string): Promise<Map<string, Message[]>> {
  const found = new Map<string, Message[]>();
  for await (const line of createInterface({ input: createReadStream(path) })) {
    if (line.trim() === '') continue;
    const { conversationId, ...message } = JSON.parse(line) as Message & { conversationId: string };
    const messages = found.get(conversationId);
    if (messages) messages.push(message);
    else found.set(conversationId, [message]);
  }
  for (const messages of found.values()) messages.sort((left, right) => left.serverTime - right.serverTime);
  return found;
}

/** A direct conversation begins when both users are known; groups have to be there. */
async function makeKnown(ids: Iterable<string>): Promise<void> {
  const users = new Set<string>();
  for (const id of ids) {
    if (id.startsWith('d:')) for (const userId of id.split(':').slice(1)) users.add(userId);
  }
  const all = [...users].map((userId) => ({ userId }));
  for (let start = 0; start < all.length; start += USERS_A_REQUEST) {
    await service.createUsers({ users: all.slice(start, start + USERS_A_REQUEST) });
  }
}

async function importConversation(conversationId: string, all: readonly Message[]): Promise<void> {
  for (let start = 0; start < all.length; start += MESSAGES_A_REQUEST) {
    const messages = all.slice(start, start + MESSAGES_A_REQUEST);
    const { results } = await service.importMessages({ conversationId, messages });
    for (const result of results) {
      if ('error' in result) {
        count.refused++;
        console.error(`${result.to} ${result.clientMsgId}: ${result.error.code}, ${result.error.message}`);
        // Nothing overtakes what may be stored yet.
        if (result.error.retryable) throw new Error(`${conversationId}: run it again`);
      } else if (result.duplicate) count.known++;
      else count.stored++;
      const done = count.stored + count.known + count.refused;
      if (done % SHOWN_EACH === 0) console.log(`${done} of ${total}`);
    }
  }
}
