// docs/asyncapi.json: a valid document, and what the schemas say; docs/asyncapi.md: what the document says.
import { readFile } from 'node:fs/promises';
import { Parser } from '@asyncapi/parser';
import { expect, test } from 'vitest';
import { asyncApiPage, renderAsyncApiPage } from '../../scripts/asyncapi-page.ts';
import { asyncApiDocument, renderAsyncApi } from '../../scripts/asyncapi.ts';
import { fieldMeanings } from '../../scripts/field-meanings.ts';
import { clientFrames } from '../../src/protocol/client-frames.ts';
import { limits } from '../../src/protocol/limits.ts';
import { pushFrames } from '../../src/protocol/server-frames.ts';

const errorsOf = async (text: string) => {
  const { document, diagnostics } = await new Parser().parse(text);
  // 0: an error, as the language server protocol has it; the enumeration is of a package below this one.
  const errors = diagnostics.filter((diagnostic) => `${diagnostic.severity}` === '0');
  return { document, errors };
};

test('docs/asyncapi.json says what the schemas say; if not, run npm run docs', async () => {
  expect(await readFile(asyncApiDocument, 'utf8')).toBe(renderAsyncApi());
});

test('is valid AsyncAPI 3, and has each action and each push', async () => {
  const { document, errors } = await errorsOf(renderAsyncApi());
  expect(errors).toEqual([]);
  const operations = document?.operations().all() ?? [];
  const received = operations.filter((operation) => operation.isReceive()).map((operation) => operation.id());
  const sent = operations.filter((operation) => operation.isSend()).map((operation) => operation.id());
  expect(received).toEqual(Object.keys(clientFrames));
  expect(sent).toEqual(Object.keys(pushFrames).map((push) => `${push}Push`));
});

test('what is broken is not valid', async () => {
  const broken = renderAsyncApi().replaceAll(
    '#/components/messages/AckRequest',
    '#/components/messages/Nothing',
  );
  expect((await errorsOf(broken)).errors.length).toBeGreaterThan(0);
});

test('keeps the limits, and the bodies by their types', () => {
  const { components } = JSON.parse(renderAsyncApi()) as {
    components: { messages: Record<string, { payload: Record<string, unknown> }> };
  };
  const { positions } = limits;
  expect(components.messages['PositionsRequest']?.payload).toMatchObject({
    properties: { conversationIds: { maxItems: positions } },
  });
  const [text] = components.messages['SendRequest']!.payload['oneOf'] as unknown[];
  expect(text).toMatchObject({ properties: { body: { required: ['text'] } } });
});

test('says what each field means, and nothing of fields that there are not', async () => {
  const { document } = await errorsOf(renderAsyncApi());
  const messages = document!.messages().all();
  const owners = [
    ...messages.map((message) => [message.id(), message.payload()!.json()] as const),
    ...document!
      .components()
      .schemas()
      .all()
      .map((schema) => [schema.id(), schema.json()] as const),
  ];
  const fields = owners.flatMap(([owner, schema]) => fieldsOf(owner, schema));
  expect(fields.filter(({ description }) => description === undefined)).toEqual([]);
  const names = new Set(fields.flatMap(({ owner, name }) => [name, `${owner}.${name}`]));
  expect(Object.keys(fieldMeanings).filter((name) => !names.has(name))).toEqual([]);
});

interface FieldOfSchema {
  readonly owner: string;
  readonly name: string;
  readonly description: unknown;
}

function fieldsOf(owner: string, value: unknown): FieldOfSchema[] {
  if (typeof value !== 'object' || value === null) return [];
  const { properties = {} } = value as { properties?: Record<string, { description?: unknown }> };
  const own = Object.entries(properties).map(([name, { description }]) => ({ owner, name, description }));
  return [...own, ...Object.values(value).flatMap((part) => fieldsOf(owner, part))];
}

test('docs/asyncapi.md says what docs/asyncapi.json says; if not, run npm run docs', async () => {
  expect(await readFile(asyncApiPage, 'utf8')).toBe(await renderAsyncApiPage());
});

test('docs/asyncapi.md links to headings that are there, each of them one', async () => {
  const page = await renderAsyncApiPage();
  const headings = [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!.toLowerCase().replaceAll('`', '').replaceAll(' ', '-'),
  );
  const targets = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, target]) => target);
  expect(targets.filter((target) => !headings.includes(target!))).toEqual([]);
  expect(new Set(headings).size).toBe(headings.length);
  expect(targets).toEqual(
    expect.arrayContaining(['operation-send', 'sendrequest', 'refused', 'schema-message']),
  );
});
