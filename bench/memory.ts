// What a connection takes of the local cloud's memory, its clients being elsewhere.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Cloud } from '../local/cloud.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes a connection: of the whole process, its threads included, and of the heap of the gateway's thread. */
export interface ConnectionMemory {
  readonly connections: number;
  readonly rss: number;
  readonly heap: number;
}

export async function measureConnections(cloud: Cloud, connections: number): Promise<ConnectionMemory> {
  const file = fileURLToPath(new URL('idle-connections.ts', import.meta.url));
  const child = fork(file, [`${cloud.url}/${cloud.model.api.stageName}`], { execArgv: ['--import', 'tsx'] });
  let made = 0;
  const add = async (count: number) => {
    const tokens: string[] = [];
    for (let n = 0; n < count; n++) tokens.push(await cloud.issueToken(`idle-${made++}`));
    child.send(tokens);
    await once(child, 'message');
    await cloud.settled();
  };
  const used = () => {
    collect();
    const { rss, heapUsed } = process.memoryUsage();
    return { rss, heap: heapUsed };
  };
  try {
    // What the first ones make is there for all.
    await add(100);
    const before = used();
    await add(connections);
    const after = used();
    const each = (bytes: number) => Math.round(bytes / connections);
    return { connections, rss: each(after.rss - before.rss), heap: each(after.heap - before.heap) };
  } finally {
    child.kill();
    await once(child, 'exit');
  }
}
