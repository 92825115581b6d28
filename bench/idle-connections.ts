// A process that holds connections open, so that their clients' memory is not counted: argv is the URL, then tokens follow as
// messages, and each batch is answered when it stands.
import { once } from 'node:events';
import { WebSocket } from 'ws';

const [url] = process.argv.slice(2);
const sockets: WebSocket[] = [];

process.on('message', (tokens: readonly string[]) => {
  void connectAll(tokens).then((count) => process.send!(count));
});
process.on('disconnect', () => process.exit());

async function connectAll(tokens: readonly string[]): Promise<number> {
  for (const token of tokens) {
    const socket = new WebSocket(`${url}?deviceId=phone&platform=ios`, ['im.v1', `bearer.${token}`]);
    await once(socket, 'open');
    sockets.push(socket);
  }
  return sockets.length;
}
