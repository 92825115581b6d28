// Faults of the gateway that no post shows: answers that get lost, and `$disconnect` as unreliable as it is on AWS
// (docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-route-keys-connect-disconnect.html).
import { afterEach, expect, it } from 'vitest';
import { echo, startSandbox, tell, type Sandbox } from '../sandbox.ts';

let sandbox: Sandbox;
afterEach(async () => await sandbox.close());

const start = async () =>
  (sandbox = await startSandbox({
    functions: { task: echo, disconnect: tell() },
    routes: { $default: { functionName: 'task', returnsResponse: true }, $disconnect: 'disconnect' },
  }));
const injected = () => sandbox.faults.log().map(({ fault, site }) => `${fault} ${site}`);

async function comeAndGo(): Promise<void> {
  const client = await sandbox.connect();
  client.socket.close();
  await client.closed;
  await sandbox.gateway.settled();
}

it('lostAnswer: the function has run, the client hears nothing', async () => {
  const { faults, gateway, metering } = await start();
  faults.set({ gateway: { lostAnswer: 1 } });
  const client = await sandbox.connect();
  client.send({ action: 'first', clientMsgId: 'm-1' });
  while (metering.snapshot().lambda['task'] === undefined) await new Promise((next) => setImmediate(next));
  await gateway.settled();
  faults.set({});
  client.send('second');
  expect(await client.next()).toContain('"body":"second"');
  expect(metering.snapshot().lambda['task']).toMatchObject({ invocations: 2 });
});

it('noDisconnect: the function never hears of the end', async () => {
  const { faults, metering } = await start();
  faults.set({ gateway: { noDisconnect: 1 } });
  await comeAndGo();
  expect(metering.snapshot().lambda['disconnect']).toBeUndefined();
  expect(injected()).toEqual(['gateway.noDisconnect $disconnect /']);
});

it('lateDisconnect: it hears of it after a while', async () => {
  const { faults } = await start();
  faults.set({ gateway: { lateDisconnect: 1 } });
  await comeAndGo();
  expect(await sandbox.nextEvent('disconnect')).toMatchObject({
    requestContext: { routeKey: '$disconnect' },
  });
  expect(injected()).toEqual(['gateway.lateDisconnect $disconnect /']);
});
