// The snippet of docs/notifications.md that checks signatures is run against what the webhook sends.
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { createWebhook } from '../../../src/runtime/providers/webhook.ts';
import { startScriptedServer } from '../scripted-server.ts';
import { notification } from './notification.ts';

const NOW_MS = 1_700_000_000_000;

type IsAuthentic = (header: unknown, body: string, secret: string, now: number) => boolean;

async function readSnippet(): Promise<IsAuthentic> {
  const page = await readFile(new URL('../../../docs/notifications.md', import.meta.url), 'utf8');
  const source = /```js\n(.*?)```/s.exec(page)![1]!;
  const module = (await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(source)}`)) as {
    isAuthentic: IsAuthentic;
  };
  return module.isAuthentic;
}

it('the documented check takes what is ours and fresh, and nothing else', async () => {
  const isAuthentic = await readSnippet();
  const { url, asked } = await startScriptedServer({ status: 200 });
  await createWebhook({ url, secret: async () => 'hush', now: () => NOW_MS }).send(notification);
  const { headers, body } = asked[0]!;
  const header = headers['x-im-signature'];
  expect(isAuthentic(header, body, 'hush', NOW_MS)).toBe(true);
  expect(isAuthentic(header, `${body} `, 'hush', NOW_MS)).toBe(false);
  expect(isAuthentic(header, body, 'other', NOW_MS)).toBe(false);
  expect(isAuthentic(header, body, 'hush', NOW_MS + 301_000)).toBe(false);
  expect(isAuthentic(undefined, body, 'hush', NOW_MS)).toBe(false);
});
