// docs/asyncapi.json: a valid document, and what the schemas say.
import { readFile } from 'node:fs/promises';
import { Parser } from '@asyncapi/parser';
import { expect, test } from 'vitest';
import { asyncApiDocument, renderAsyncApi } from '../../scripts/asyncapi.ts';
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
