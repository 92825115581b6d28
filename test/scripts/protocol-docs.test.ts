import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { protocolDocument, renderProtocol } from '../../scripts/protocol-docs.ts';

test('docs/protocol.md says what the schemas say; if not, run npm run docs', async () => {
  expect(await readFile(protocolDocument, 'utf8')).toBe(renderProtocol());
});
