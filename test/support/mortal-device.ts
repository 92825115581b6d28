// A process with the SDK in it that shows what it catches up with, line by line, and dies at its n-th message as a process
// dies that is killed.
import { open } from '../../src/client/node.ts';

const [url = '', token = '', file = '', lastMessage] = process.argv.slice(2);
let shown = 0;
const im = await open({
  url,
  token,
  file,
  platform: 'desktop',
  on: {
    message({ conversationId, message: { seq } }) {
      // To a pipe it is written at once.
      process.stdout.write(`${conversationId} ${seq}\n`);
      if (++shown === Number(lastMessage)) process.kill(process.pid, 'SIGKILL');
    },
  },
});
await im.start();
await im.close();
