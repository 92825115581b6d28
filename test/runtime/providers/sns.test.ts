// SNS as a server of our own: which endpoints it is asked for, what it publishes, and what its answers come to.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NotificationRefused } from '../../../src/runtime/providers/bulkhead.ts';
import { createSns } from '../../../src/runtime/providers/sns.ts';
import { startScriptedServer, type ScriptedAnswer } from '../scripted-server.ts';
import { notification } from './notification.ts';

const app = (name: string) => `arn:aws:sns:eu-west-1:123456789012:app/${name}`;
const endpointOf = (name: string) => `arn:aws:sns:eu-west-1:123456789012:endpoint/${name}/1`;
const created = (endpoint = endpointOf('APNS/chat')): ScriptedAnswer => ({
  status: 200,
  body: `<CreatePlatformEndpointResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">
    <CreatePlatformEndpointResult><EndpointArn>${endpoint}</EndpointArn></CreatePlatformEndpointResult>
  </CreatePlatformEndpointResponse>`,
});
const published: ScriptedAnswer = {
  status: 200,
  body: '<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>',
};
const problem = (status: number, code: string, message = 'token-of-bob'): ScriptedAnswer => ({
  status,
  body: `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type>
    <Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
});

beforeEach(() => {
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'ASIATEST');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'hush');
  vi.stubEnv('AWS_SESSION_TOKEN', 'session');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const APPLICATIONS = { ios: app('APNS/chat'), android: app('GCM/chat'), web: app('APNS_SANDBOX/chat') };

async function startSns(...answers: [ScriptedAnswer, ...ScriptedAnswer[]]) {
  const { url, asked, stop } = await startScriptedServer(...answers);
  vi.stubEnv('AWS_ENDPOINT_URL_SNS', url);
  const provider = createSns({ applications: JSON.stringify(APPLICATIONS) });
  const forms = () => asked.map(({ body }) => Object.fromEntries(new URLSearchParams(body)));
  return { provider, asked, forms, stop };
}

const failureOf = (promise: Promise<unknown>) => promise.catch((error: unknown) => error);
const parse = (text: string | undefined) => JSON.parse(text ?? '') as Record<string, unknown>;

describe('SNS', () => {
  it('makes an endpoint of the token, and publishes to it', async () => {
    const { provider, asked, forms } = await startSns(created(), published);
    expect(await provider.send(notification)).toBe('sent');
    const [create, publish] = forms();
    expect(create).toEqual({
      Action: 'CreatePlatformEndpoint',
      Version: '2010-03-31',
      PlatformApplicationArn: app('APNS/chat'),
      Token: 'token-of-bob',
    });
    const { Message, ...rest } = publish!;
    expect(rest).toEqual({
      Action: 'Publish',
      Version: '2010-03-31',
      TargetArn: endpointOf('APNS/chat'),
      MessageStructure: 'json',
      'MessageAttributes.entry.1.Name': 'AWS.SNS.MOBILE.APNS.PUSH_TYPE',
      'MessageAttributes.entry.1.Value.DataType': 'String',
      'MessageAttributes.entry.1.Value.StringValue': 'alert',
      'MessageAttributes.entry.2.Name': 'AWS.SNS.MOBILE.APNS.PRIORITY',
      'MessageAttributes.entry.2.Value.DataType': 'String',
      'MessageAttributes.entry.2.Value.StringValue': '10',
      'MessageAttributes.entry.3.Name': 'AWS.SNS.MOBILE.APNS.COLLAPSE_ID',
      'MessageAttributes.entry.3.Value.DataType': 'String',
      'MessageAttributes.entry.3.Value.StringValue': 'collapse',
    });
    const { default: fallback, APNS } = parse(Message);
    expect(fallback).toBe('alice');
    expect(parse(APNS as string)).toEqual({
      aps: {
        alert: { title: 'alice', body: 'hi' },
        badge: 7,
        'thread-id': 'd:alice:bob',
        sound: 'default',
      },
      conversationId: 'd:alice:bob',
      seq: 9,
      count: 3,
    });
    expect(asked[0]!.headers['content-type']).toMatch(/^application\/x-www-form-urlencoded/);
  });

  it('is asked in the region of the application, and the request is signed', async () => {
    const { provider, asked } = await startSns(created(), published);
    await provider.send(notification);
    for (const { headers } of asked) {
      expect(headers.authorization).toMatch(
        /^AWS4-HMAC-SHA256 Credential=ASIATEST\/\d{8}\/eu-west-1\/sns\/aws4_request, /,
      );
      expect(headers['x-amz-security-token']).toBe('session');
    }
  });

  it("is handed Firebase's message for a device of that", async () => {
    const { provider, forms } = await startSns(created(endpointOf('GCM/chat')), published);
    await provider.send({ ...notification, platform: 'android' });
    const [create, publish] = forms();
    expect(create!['PlatformApplicationArn']).toBe(app('GCM/chat'));
    const { default: fallback, GCM } = parse(publish!['Message']);
    expect(fallback).toBe('alice');
    const { fcmV1Message } = parse(GCM as string) as { fcmV1Message: { message: Record<string, unknown> } };
    expect(fcmV1Message.message).toMatchObject({
      notification: { title: 'alice', body: 'hi' },
      data: { conversationId: 'd:alice:bob', seq: '9', count: '3', badge: '7' },
      android: { collapse_key: 'collapse', priority: 'high' },
    });
    expect(fcmV1Message.message).not.toHaveProperty('token');
  });

  it("is handed Apple's payload under the name of the sandbox for an application of that", async () => {
    const { provider, forms } = await startSns(created(endpointOf('APNS_SANDBOX/chat')), published);
    await provider.send({ ...notification, platform: 'web' });
    expect(Object.keys(parse(forms()[1]!['Message']))).toEqual(['default', 'APNS_SANDBOX']);
  });

  it('is asked for an endpoint once for each token', async () => {
    const { provider, forms } = await startSns(created(), published, published, created(), published);
    await provider.send(notification);
    await provider.send(notification);
    await provider.send({ ...notification, pushToken: 'other' });
    const actions = forms().map(({ Action }) => Action);
    expect(actions).toEqual([
      'CreatePlatformEndpoint',
      'Publish',
      'Publish',
      'CreatePlatformEndpoint',
      'Publish',
    ]);
  });

  it('may have an endpoint already that others made', async () => {
    const { provider, forms } = await startSns(
      problem(
        400,
        'InvalidParameter',
        `Invalid parameter: Token Reason: Endpoint ${endpointOf('APNS/chat')} already exists with the same Token, but different attributes.`,
      ),
      published,
    );
    expect(await provider.send(notification)).toBe('sent');
    expect(forms()[1]!['TargetArn']).toBe(endpointOf('APNS/chat'));
  });

  it.each([problem(400, 'EndpointDisabled'), problem(404, 'NotFound')])(
    'knows by %o that the token is gone, and deletes nothing',
    async (answer) => {
      const { provider, forms } = await startSns(created(), answer, created(), published);
      expect(await provider.send(notification)).toBe('gone');
      expect(forms()).toHaveLength(2);
      // Its owner may have enabled it since.
      expect(await provider.send(notification)).toBe('sent');
      expect(forms()[2]!['Action']).toBe('CreatePlatformEndpoint');
    },
  );

  it('takes a token for gone that it makes no endpoint of', async () => {
    const answer = problem(
      400,
      'InvalidParameter',
      'Invalid parameter: Token Reason: iOS device tokens must be',
    );
    const { provider, forms } = await startSns(answer);
    expect(await provider.send(notification)).toBe('gone');
    expect(forms()).toHaveLength(1);
  });

  it('has nobody gone when its application is', async () => {
    const { provider } = await startSns(problem(404, 'NotFound', 'PlatformApplication does not exist'));
    const error = await failureOf(provider.send(notification));
    expect(error).toBeInstanceOf(NotificationRefused);
  });

  it('refuses a platform that has no application', async () => {
    const { provider, asked } = await startSns(published);
    const error = await failureOf(provider.send({ ...notification, platform: 'desktop' }));
    expect(error).toBeInstanceOf(NotificationRefused);
    expect(error).toHaveProperty('message', 'SNS has no platform application for desktop');
    expect(asked).toEqual([]);
  });

  it.each([problem(400, 'InvalidParameter'), problem(403, 'AuthorizationError')])(
    'refuses the one notification with %o, and its token is not quoted',
    async (answer) => {
      const { provider } = await startSns(created(), answer);
      const error = (await failureOf(provider.send(notification))) as Error;
      expect(error).toBeInstanceOf(NotificationRefused);
      expect(error.message).toMatch(/^SNS answered 40[03] (InvalidParameter|AuthorizationError)$/);
    },
  );

  it.each([problem(429, 'Throttled'), problem(400, 'Throttling'), problem(500, 'InternalError')])(
    'has trouble of its own with %o',
    async (answer) => {
      const { provider } = await startSns(created(), answer);
      const error = (await failureOf(provider.send(notification))) as Error;
      expect(error).not.toBeInstanceOf(NotificationRefused);
      expect(error.message).toMatch(/^SNS answered \d{3} (Throttled|Throttling|InternalError)$/);
    },
  );

  it('that answers no endpoint has failed', async () => {
    const { provider } = await startSns(published);
    await expect(provider.send(notification)).rejects.toThrow(/^SNS answered no endpoint$/);
  });

  it('that cannot be reached did not answer', async () => {
    const { provider, stop } = await startSns(created());
    stop();
    const error = await failureOf(provider.send(notification));
    expect(error).not.toBeInstanceOf(NotificationRefused);
    expect(error).toHaveProperty('message', 'SNS did not answer');
  });

  it.each(['no JSON', '{"ios":"arn:aws:sns:eu-west-1:123456789012:topic"}', '{"phone":""}'])(
    'is not made of %s',
    (applications) => {
      expect(() => createSns({ applications })).toThrow('PUSH_SNS must name platform applications');
    },
  );
});
