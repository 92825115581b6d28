// Writes docs/asyncapi.json, the WebSocket protocol as AsyncAPI 3: texts and schemas are those of docs/protocol.md.
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { clientFrames } from '../src/protocol/client-frames.ts';
import { platforms } from '../src/protocol/ids.ts';
import { pushFrames, refusedFrame, responseFrames } from '../src/protocol/server-frames.ts';
import { BEARER_PREFIX, SUBPROTOCOL } from '../src/protocol/version.ts';
import { payloadOf, schemas } from './asyncapi-schemas.ts';
import type { Json } from './json-schema.ts';
import { whatItDoes, whatItTells } from './protocol-docs.ts';

export const asyncApiDocument = fileURLToPath(new URL('../docs/asyncapi.json', import.meta.url));

const actions = Object.keys(clientFrames) as (keyof typeof clientFrames)[];
const pushes = Object.keys(pushFrames) as (keyof typeof pushFrames)[];

const capital = (name: string) => name[0]!.toUpperCase() + name.slice(1);
const inChannel = (message: string) => ({ $ref: `#/channels/socket/messages/${message}` });

export function renderAsyncApi(): string {
  const requests = actions.map((action) =>
    messageOf(`${capital(action)}Request`, clientFrames[action], {
      title: action,
      description: whatItDoes[action],
      ...correlated,
    }),
  );
  const answers = Object.entries(responseFrames).map(([action, schema]) =>
    messageOf(`${capital(action)}Answer`, schema, { title: `The answer to ${action}`, ...correlated }),
  );
  const told = pushes.map((push) =>
    messageOf(`${capital(push)}Push`, pushFrames[push], {
      title: `The push ${push}`,
      description: whatItTells[push],
    }),
  );
  const refused = messageOf('Refused', refusedFrame, { title: 'Instead of any answer', ...correlated });
  const messages = Object.fromEntries([...requests, ...answers, ...told, refused]);
  const names = Object.keys(messages);
  const document = {
    asyncapi: '3.0.0',
    info: {
      title: 'serverless-im',
      version: SUBPROTOCOL,
      description:
        'Made by `npm run docs` from src/protocol. docs/protocol.md says what all of it means, and what a client has to do.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    servers: {
      stage: {
        host: '{host}',
        pathname: '/{stage}',
        protocol: 'wss',
        variables: {
          host: { default: 'api-id.execute-api.us-east-1.amazonaws.com' },
          stage: { default: 'prod' },
        },
        security: [{ $ref: '#/components/securitySchemes/token' }],
      },
    },
    channels: {
      socket: {
        address: '/',
        description: 'One WebSocket, JSON text frames.',
        bindings: { ws: { method: 'GET', query: handshake, bindingVersion: '0.1.0' } },
        messages: Object.fromEntries(names.map((name) => [name, { $ref: `#/components/messages/${name}` }])),
      },
    },
    operations: Object.fromEntries([...actions.map(asked), ...pushes.map(heard)]) as Json,
    components: {
      messages,
      schemas,
      securitySchemes: {
        token: {
          type: 'httpApiKey',
          name: 'Sec-WebSocket-Protocol',
          in: 'header',
          description: `${SUBPROTOCOL}, ${BEARER_PREFIX}<JWT>`,
        },
      },
    },
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

const messageOf = (name: string, schema: unknown, told: Json): [string, Json] => [
  name,
  { ...told, payload: payloadOf(name, schema) },
];

const correlated = { correlationId: { location: '$message.payload#/id' } };

const handshake = {
  type: 'object',
  properties: {
    deviceId: {
      type: 'string',
      pattern: '^[A-Za-z0-9_.@-]{1,64}$',
      description: 'Made once by an install, and kept',
    },
    platform: { type: 'string', enum: platforms, description: 'One connection each: a newer one takes over' },
    resume: { const: '1', description: 'A reconnect that nobody asked for' },
  },
  required: ['deviceId', 'platform'],
};

/** From where the server stands. */
function asked(action: keyof typeof clientFrames): [string, Json] {
  const reply = {
    channel: { $ref: '#/channels/socket' },
    messages: [inChannel(`${capital(action)}Answer`), inChannel('Refused')],
  };
  return [
    action,
    {
      action: 'receive',
      channel: { $ref: '#/channels/socket' },
      messages: [inChannel(`${capital(action)}Request`)],
      ...(action in responseFrames && { reply }),
    },
  ];
}

function heard(push: keyof typeof pushFrames): [string, Json] {
  const channel = { $ref: '#/channels/socket' };
  return [`${push}Push`, { action: 'send', channel, messages: [inChannel(`${capital(push)}Push`)] }];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(asyncApiDocument, renderAsyncApi());
