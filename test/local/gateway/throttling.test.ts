// The throttles of a stage: D/websocket-api-protect.html.
import { afterEach, expect, it } from 'vitest';
import { createThrottling } from '../../../local/gateway/throttling.ts';
import { echo, startSandbox, tell, type Sandbox } from '../sandbox.ts';

let sandbox: Sandbox;
afterEach(async () => await sandbox.close());

const throttle = { ratePerSecond: 2, burstLimit: 1 };

it('a route has its bucket; an over-limit message is answered, and the connection stays open', async () => {
  let now = 0;
  const slow = { functionName: 'task', returnsResponse: true, throttle };
  sandbox = await startSandbox({
    functions: { task: echo },
    routes: { one: slow, two: slow, free: { ...slow, throttle: { ratePerSecond: 1, burstLimit: 100 } } },
    throttling: createThrottling(() => now),
  });
  const client = await sandbox.connect();
  const ask = async (action: string) => {
    client.send({ action });
    return await client.next();
  };
  expect(await ask('one')).toContain('"routeKey":"one"');
  expect(await ask('one')).toMatch(
    /^{"message": "Too Many Requests", "connectionId":"[\w-]{15}=", "requestId":"[\w-]{15}="}$/,
  );
  expect(await ask('two')).toContain('"routeKey":"two"');
  expect(await ask('free')).toContain('"routeKey":"free"');
  now += 500;
  expect(await ask('one')).toContain('"routeKey":"one"');
  expect(await ask('one')).toContain('Too Many Requests');
  expect(sandbox.metering.snapshot().lambda['task']).toMatchObject({ invocations: 4 });
});

it('a handshake above the limit of $connect is 429', async () => {
  sandbox = await startSandbox({
    functions: { connect: tell() },
    routes: { $connect: { functionName: 'connect', throttle } },
    throttling: createThrottling(() => 0),
  });
  await sandbox.connect();
  expect((await sandbox.refusal()).status).toBe(429);
});

it('there are none unless they are asked for', async () => {
  sandbox = await startSandbox({
    functions: { connect: tell() },
    routes: { $connect: { functionName: 'connect', throttle } },
  });
  await sandbox.connect();
  await sandbox.connect();
  expect(sandbox.metering.snapshot().lambda['connect']).toMatchObject({ invocations: 2 });
});
