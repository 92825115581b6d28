// Writes docs/asyncapi.md: docs/asyncapi.json for people. It reads the document as any other tool would, and nothing else.
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import {
  Parser,
  type AsyncAPIDocumentInterface,
  type ChannelInterface,
  type MessageInterface,
  type OperationInterface,
  type SchemaInterface,
  type ServerInterface,
} from '@asyncapi/parser';
import { renderAsyncApi } from './asyncapi.ts';
import { bodiesByType, fieldWriter, mergeVariants, type JsonSchema } from './field-table.ts';

export const asyncApiPage = fileURLToPath(new URL('../docs/asyncapi.md', import.meta.url));

export async function renderAsyncApiPage(): Promise<string> {
  const { document, diagnostics } = await new Parser().parse(renderAsyncApi());
  if (!document) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return `${paragraphs(...pageOf(document))}\n`;
}

function pageOf(document: AsyncAPIDocumentInterface): readonly string[] {
  const operations = document.operations().all();
  const channels = document.channels().all();
  const schemas = document.components().schemas().all();
  const shared = sharedBy(operations);
  const writer = fieldWriter(nameAmong(schemas));
  const section = (message: MessageInterface) => renderMessage(message, writer);
  return [
    `# ${document.info().title()}: the WebSocket API \`${document.info().version()}\``,
    '<!-- Made by `npm run docs` from docs/asyncapi.json; a test holds it against that. Do not edit. -->',
    'This page is [asyncapi.json](asyncapi.json) (AsyncAPI 3) for reading, to look up an operation, or a field of a message; what all of it means together, and what a client has to do, is in [protocol.md](protocol.md).',
    '## Contents',
    contents(operations, shared, schemas),
    '## Servers',
    ...document.servers().all().map(renderServer),
    '## Channels',
    ...channels.map((channel) => renderChannel(channel, writer)),
    '## Operations',
    ...operations.flatMap((operation) => [
      renderOperation(operation),
      ...[...operation.messages().all(), ...repliesTo(operation)]
        .filter((message) => !shared.has(message.id()))
        .map(section),
    ]),
    '## Messages of several operations',
    ...[...shared.values()].map(section),
    '## Schemas',
    ...schemas.flatMap((schema) => [`### Schema \`${schema.id()}\``, renderFields(schema.json(), writer)]),
  ];
}

const repliesTo = (operation: OperationInterface) => operation.reply()?.messages().all() ?? [];

/** Messages that answer more than one operation, by their ids. */
function sharedBy(operations: readonly OperationInterface[]): ReadonlyMap<string, MessageInterface> {
  const seen = new Set<string>();
  const again = operations.flatMap(repliesTo).filter((message) => {
    const isAgain = seen.has(message.id());
    seen.add(message.id());
    return isAgain;
  });
  return new Map(again.map((message) => [message.id(), message]));
}

type Writer = ReturnType<typeof fieldWriter>;

/** References are the very schemas that they refer to. */
function nameAmong(schemas: readonly SchemaInterface[]): (schema: JsonSchema) => string | undefined {
  const links = new Map<unknown, string>(schemas.map((schema) => [schema.json(), linkToSchema(schema)]));
  return (schema) => links.get(schema);
}

const link = (name: string, heading: string) => `[${name}](#${heading.toLowerCase()})`;
const linkTo = (message: MessageInterface) => link(message.id(), message.id());
const linkToOperation = (operation: OperationInterface) =>
  link(operation.id()!, `operation-${operation.id()}`);
const linkToSchema = (schema: SchemaInterface) => link(schema.id(), `schema-${schema.id()}`);
const code = (text: string | undefined) => `\`${text}\``;

function contents(
  operations: readonly OperationInterface[],
  shared: ReadonlyMap<string, MessageInterface>,
  schemas: readonly SchemaInterface[],
): string {
  const asked = operations.filter((operation) => operation.isReceive());
  const told = operations.filter((operation) => operation.isSend());
  return [
    '- [Servers](#servers), [Channels](#channels)',
    `- Clients send: ${asked.map(linkToOperation).join(', ')}`,
    `- The server sends: ${told.map(linkToOperation).join(', ')}`,
    `- [Messages of several operations](#messages-of-several-operations): ${[...shared.values()].map(linkTo).join(', ')}`,
    `- [Schemas](#schemas): ${schemas.map(linkToSchema).join(', ')}`,
  ].join('\n');
}

function renderServer(server: ServerInterface): string {
  const defaults = server
    .variables()
    .all()
    .map((variable) => `${code(variable.id())} = ${code(variable.defaultValue())}`);
  const security = server
    .security()
    .flatMap((requirement) => requirement.all())
    .map((requirement) => requirement.scheme())
    .map(
      (scheme) =>
        `Security: ${code(scheme.type())}, the ${scheme.in()} \`${scheme.name()}: ${scheme.description()}\`.`,
    );
  return paragraphs(
    `### Server ${code(server.id())}`,
    `${code(server.url())}, by default ${defaults.join(', ')}.`,
    ...security,
  );
}

function renderChannel(channel: ChannelInterface, { fieldTable }: Writer): string {
  const servers = channel.servers().all();
  const handshakes = channel
    .bindings()
    .all()
    .map((binding) => binding.json<{ readonly method: string; readonly query: JsonSchema }>());
  return paragraphs(
    `### Channel ${code(channel.id())}`,
    `${code(channel.address()!)} of ${servers.map((server) => code(server.id())).join(', ')}: ${channel.description()}`,
    ...handshakes.flatMap(({ method, query }) => [
      `Opened by ${code(method)} with this query:`,
      fieldTable(query, { meanings: true }),
    ]),
  );
}

function renderOperation(operation: OperationInterface): string {
  const who = operation.isReceive() ? 'A client sends' : 'The server sends';
  const sent = operation.messages().all().map(linkTo).join(' or ');
  const channels = operation
    .channels()
    .all()
    .map((channel) => link(channel.id(), `channel-${channel.id()}`));
  const replies = repliesTo(operation).map(linkTo).join(' or ');
  return paragraphs(
    `### Operation ${code(operation.id())}`,
    `${who} ${sent} (${channels.join(', ')}). ${replies === '' ? 'There is no answer.' : `The answer is ${replies}.`}`,
  );
}

const renderMessage = (message: MessageInterface, writer: Writer) =>
  paragraphs(
    `#### ${message.id()}`,
    message.description() ?? `${message.title()}.`,
    renderFields(message.payload()!.json(), writer),
  );

function renderFields(schema: JsonSchema, { fieldTable, bodyTable }: Writer): string {
  const merged = mergeVariants(schema);
  const bodies = bodiesByType(schema);
  const variants = merged.oneOf ?? merged.anyOf ?? [merged];
  const tables = variants.map((variant) => fieldTable(variant, { meanings: true }));
  return paragraphs(tables.join('\n\nor\n\n'), bodies.length === 0 ? '' : bodyTable(bodies));
}

const paragraphs = (...texts: readonly string[]) => texts.filter(Boolean).join('\n\n');

if (process.argv[1] === fileURLToPath(import.meta.url))
  await writeFile(asyncApiPage, await renderAsyncApiPage());
