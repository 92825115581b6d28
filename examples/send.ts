// A system message to a user, who is made known if nobody has been them yet: npx tsx examples/send.ts USER TEXT
import { randomUUID } from 'node:crypto';
import { createServiceClient } from '../src/client/package/service.ts';
import { serviceAccess } from './access.ts';

const [userId, text] = process.argv.slice(2);
if (!userId || !text) throw new Error('usage: npx tsx examples/send.ts USER TEXT');

const service = createServiceClient(await serviceAccess());
await service.createUsers({ users: [{ userId }] });
const { results } = await service.sendMessages({
  from: 'system',
  to: [`user:${userId}`],
  // Whoever repeats this by themselves keeps it: it is what makes the message one.
  clientMsgId: randomUUID(),
  type: 'text',
  body: { text },
});
for (const result of results) {
  if ('error' in result) throw new Error(`${result.to}: ${result.error.message}`);
  console.log(`stored as number ${result.seq} of ${result.conversationId}`);
}
