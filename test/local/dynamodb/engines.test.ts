import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { createConnection, createServer, type AddressInfo } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { startEngineProcess, type EngineProgram } from '../../../local/dynamodb/engines/child-process.ts';
import { EngineClient } from '../../../local/dynamodb/engines/client.ts';
import { dynamoDbLocalProgram } from '../../../local/dynamodb/engines/dynamodb-local.ts';
import { dynamoDbLocalQuirks } from '../../../local/dynamodb/engines/endpoint.ts';
import { createTables, startEngine, type Engine } from '../../../local/dynamodb/engines/engine.ts';
import type { Log } from '../../../local/log.ts';
import { smallModel } from '../small-model.ts';

const kind = process.env['IM_TEST_DB'] ?? 'dynoxide';
const silent: Log = { info: () => {}, warn: () => {}, error: () => {} };
const closers: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (let closer = closers.pop(); closer; closer = closers.pop()) await closer();
});

async function start(db: string, dataDirectory?: string): Promise<Engine> {
  const engine = await startEngine({ db, dataDirectory });
  closers.push(() => engine.close());
  return engine;
}

function clientOf(engine: Engine): EngineClient {
  const client = new EngineClient(engine.endpoint);
  closers.push(() => client.close());
  return client;
}

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'engine-'));
  closers.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

const url = (file: string) =>
  JSON.stringify(new URL(`../../../local/dynamodb/${file}`, import.meta.url).href);

/** A process that starts an engine, as ours does. */
function spawnScript(script: string): ChildProcess {
  const parent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  closers.push(() => void parent.kill('SIGKILL'));
  return parent;
}

async function knock(host: string, port: number): Promise<void> {
  const socket = createConnection(port, host);
  closers.push(() => void socket.destroy());
  await once(socket, 'connect');
}

const item = { pk: { S: 'a' }, sk: { N: '1' } };

describe(`the engine ${kind}`, () => {
  it('holds the tables of the template', async () => {
    const engine = await start(inject('db'));
    const model = smallModel();
    await createTables(engine, model);
    const client = clientOf(engine);
    await client.call('PutItem', { TableName: model.notes.tableName, Item: item });
    await expect(client.call('GetItem', { TableName: model.notes.tableName, Key: item })).resolves.toEqual({
      Item: item,
    });
  });

  it('keeps tables that are there, and refuses one of another schema', async () => {
    const engine = await start(inject('db'));
    const model = smallModel();
    await createTables(engine, model);
    await clientOf(engine).call('PutItem', { TableName: model.notes.tableName, Item: item });
    await createTables(engine, model);
    await expect(
      clientOf(engine).call('GetItem', { TableName: model.notes.tableName, Key: item }),
    ).resolves.toHaveProperty('Item');

    const keySchema = [{ AttributeName: 'pk', KeyType: 'HASH' }] as const;
    const attributeDefinitions = [{ AttributeName: 'pk', AttributeType: 'S' }] as const;
    const changed = { ...model, tables: [{ ...model.notes, keySchema, attributeDefinitions }] };
    await expect(createTables(engine, changed)).rejects.toThrow(/another schema .*use a new data directory/);
  });

  it('says by name what it refuses', async () => {
    const client = clientOf(await start(inject('db')));
    await expect(client.call('GetItem', { TableName: 'Nowhere', Key: item })).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  it('keeps data in the data directory', async () => {
    const dataDirectory = await temporaryDirectory();
    const model = smallModel();
    const first = await startEngine({ db: kind, dataDirectory });
    await createTables(first, model);
    const firstClient = new EngineClient(first.endpoint);
    await firstClient.call('PutItem', { TableName: model.notes.tableName, Item: item });
    firstClient.close();
    await first.close();

    const second = await start(kind, dataDirectory);
    await createTables(second, model);
    const answer = await clientOf(second).call('GetItem', { TableName: model.notes.tableName, Key: item });
    expect(answer).toEqual({ Item: item });
  });

  it('is gone when it is closed, also when that is asked for twice', async () => {
    const engine = await startEngine({ db: kind });
    await Promise.all([engine.close(), engine.close()]);
    await expect(startEngine({ db: engine.endpoint })).rejects.toThrow(
      `No DynamoDB answers at ${engine.endpoint}`,
    );
  });

  it.runIf(process.platform === 'linux')(
    'listens on one hidden loopback address, where no web page and no other machine finds it',
    async () => {
      const { hostname, port } = new URL((await start(kind)).endpoint);
      expect(hostname).toMatch(/^127\./);
      const addresses = Object.values(networkInterfaces()).flatMap((some) => some ?? []);
      // Link-local ones need their interface named.
      const others = addresses.filter(({ address }) => !address.startsWith('fe80:'));
      for (const { address } of [...others, { address: '127.0.0.1' }, { address: '127.0.0.2' }]) {
        await expect(knock(address, Number(port)), address).rejects.toMatchObject({ code: 'ECONNREFUSED' });
      }
      await knock(hostname, Number(port));
    },
  );

  it.runIf(kind === 'dynamodb-local')('shares what it holds with no origin that there is', async () => {
    const headers = {
      origin: 'http://evil.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'x-amz-target',
    };
    const preflight = await fetch((await start(kind)).endpoint, { method: 'OPTIONS', headers });
    expect([null, 'https://nobody.invalid']).toContain(preflight.headers.get('access-control-allow-origin'));
  });

  it('keeps its data for the user alone', async () => {
    const dataDirectory = join(await temporaryDirectory(), 'data');
    await createTables(await start(kind, dataDirectory), smallModel());
    expect((await stat(dataDirectory)).mode & 0o777).toBe(0o700);
    for (const name of await readdir(dataDirectory, { recursive: true })) {
      expect({ name, others: (await stat(join(dataDirectory, name))).mode & 0o077 }).toEqual({
        name,
        others: 0,
      });
    }
  });

  it('may be one that runs already, which stays when we close', async () => {
    const owner = await start(kind);
    const guest = await startEngine({ db: owner.endpoint });
    expect(guest.quirks).toEqual(owner.quirks);
    await guest.close();
    await expect(clientOf(owner).call('ListTables', {})).resolves.toHaveProperty('TableNames');
  });
});

describe('starting an engine', () => {
  it('refuses a database that it does not know', async () => {
    await expect(startEngine({ db: 'postgres' })).rejects.toThrow(
      /Unknown database postgres: use dynoxide, /,
    );
  });

  it('takes another port when somebody was faster', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    closers.push(() => void taken.close());
    const takenPort = (taken.address() as AddressInfo).port;
    const ports: number[] = [];
    const listen =
      "require('net').createServer().listen(+process.argv[1], '127.0.0.1', () => console.log('ready'))";
    const engine = await startEngineProcess(
      {
        name: 'test-engine',
        command: process.execPath,
        argumentsFor(port) {
          ports.push(ports.length === 0 ? takenPort : port);
          return ['-e', listen, String(ports.at(-1))];
        },
        whenReady: async (child) => void (await once(child.stdout!, 'data')),
      },
      silent,
    );
    closers.push(() => engine.close());
    expect(ports).toHaveLength(2);
    expect(engine.endpoint).toBe(`http://127.0.0.1:${ports[1]}`);
  });

  it.runIf(kind === 'dynamodb-local')('takes another port also for DynamoDB Local', async () => {
    const program = await dynamoDbLocalProgram(undefined);
    const taken = createServer().listen(0, program.host);
    await once(taken, 'listening');
    closers.push(() => void taken.close());
    const ports = [(taken.address() as AddressInfo).port];
    const argumentsFor: EngineProgram['argumentsFor'] = (port, scratch) =>
      program.argumentsFor(ports.pop() ?? port, scratch);
    const engine = await startEngineProcess({ ...program, argumentsFor }, silent);
    closers.push(() => engine.close());
    await expect(
      clientOf({ ...engine, name: kind, quirks: dynamoDbLocalQuirks }).call('ListTables', {}),
    ).resolves.toEqual({ TableNames: [] });
  });

  it('removes what a run leaves in its directory, also of a run that fails', async () => {
    const made: string[] = [];
    const makeScratch = async () => {
      made.push(await temporaryDirectory());
      return made.at(-1)!;
    };
    const program = { name: 'test-engine', command: process.execPath, makeScratch };
    const write = "require('fs').writeFileSync(process.argv[1] + '/data', ''); console.log('ready');";
    const engine = await startEngineProcess(
      {
        ...program,
        argumentsFor: (_, scratch) => ['-e', `${write} setInterval(() => {}, 1000)`, scratch!],
        whenReady: async (child) => void (await once(child.stdout!, 'data')),
      },
      silent,
    );
    expect(existsSync(join(made[0]!, 'data'))).toBe(true);
    await engine.close();
    const failing = {
      ...program,
      argumentsFor: () => ['-e', 'process.exit(3)'],
      whenReady: () => new Promise<void>(() => {}),
    };
    await expect(startEngineProcess(failing, silent)).rejects.toThrow('ended with code 3');
    expect(made.map((directory) => existsSync(directory))).toEqual([false, false]);
  });

  it('tells what a program said that does not start', async () => {
    const program = {
      name: 'test-engine',
      command: process.execPath,
      argumentsFor: () => ['-e', "console.error('no disk'); process.exit(3)"],
      whenReady: () => new Promise<void>(() => {}),
    };
    await expect(startEngineProcess(program, silent)).rejects.toThrow(
      /test-engine does not start: ended with code 3\nno disk/,
    );
  });

  it('tells when an engine ends unasked', async () => {
    const dieWhenCalled =
      "require('net').createServer(() => process.exit(4)).listen(+process.argv[1], '127.0.0.1', () => console.log('ready'))";
    const program = {
      name: 'test-engine',
      command: process.execPath,
      argumentsFor: (port: number) => ['-e', dieWhenCalled, String(port)],
      whenReady: async (child: ChildProcess) => void (await once(child.stdout!, 'data')),
    };
    const told = new EventEmitter();
    const telling = once(told, 'told');
    const engine = await startEngineProcess(program, {
      ...silent,
      error: (_, message) => told.emit('told', message),
    });
    closers.push(() => engine.close());
    const socket = createConnection(Number(new URL(engine.endpoint).port), '127.0.0.1').on(
      'error',
      () => undefined,
    );
    closers.push(() => void socket.destroy());
    await expect(telling).resolves.toEqual([expect.stringContaining('ended with code 4')]);
  });

  it('removes its directory, however we end', async () => {
    const scratch = await temporaryDirectory();
    const script = `
      const { startEngineProcess } = await import(${url('engines/child-process.ts')});
      await startEngineProcess({
        name: 'test-engine',
        command: process.execPath,
        makeScratch: async () => ${JSON.stringify(scratch)},
        argumentsFor: () => ['-e', 'setInterval(() => {}, 1000)'],
        whenReady: async () => {},
      });
      console.log('started');
      setInterval(() => {}, 1000);`;
    const parent = spawnScript(script);
    await once(parent.stdout!, 'data');
    parent.kill('SIGKILL');
    await expect.poll(() => existsSync(scratch), { timeout: 10_000 }).toBe(false);
  });

  it('takes the engine with us, however we end', async () => {
    const script = `
      const { startEngine } = await import(${url('engines/engine.ts')});
      console.log((await startEngine({ db: '${kind}' })).endpoint);
      setInterval(() => {}, 1000);`;
    const parent = spawnScript(script);
    const [line] = await once(parent.stdout!.setEncoding('utf8'), 'data');
    const endpoint = String(line).trim();
    await startEngine({ db: endpoint });
    parent.kill('SIGKILL');
    const answers = () =>
      startEngine({ db: endpoint }).then(
        () => true,
        () => false,
      );
    await expect.poll(answers, { timeout: 10_000 }).toBe(false);
  });
});
