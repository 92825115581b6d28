// A device of the wire protocol that keeps what it was shown, and goes on from there with whatever connection it has.
import { expect } from 'vitest';
import type { Message, Slot } from '../../src/protocol/messages.ts';
import type { SyncedMessage } from '../../src/protocol/server-frames.ts';
import { isVoid } from '../../src/protocol/slots.ts';
import type { TestClient } from './client.ts';

/** Events that a page is asked for. */
export const PAGE = 200;

/** What a device keeps: how far it has come, and each message once. It outlives the connections. */
export class Disk {
  position: number | undefined;
  /** In the order in which they were shown, by conversation. */
  readonly shown: Record<string, number[]> = {};

  /** How many of them are new; their order in the conversation is kept. */
  take(messages: readonly Slot[], position = this.position): number {
    const fresh = messages.filter(({ conversationId, seq }) => !this.shown[conversationId]?.includes(seq));
    for (const { conversationId, seq } of fresh) (this.shown[conversationId] ??= []).push(seq);
    this.position = position;
    return fresh.length;
  }
}

interface Page {
  readonly messages: readonly Message[];
  readonly next: number;
  readonly more: boolean;
}

export async function pull(client: TestClient, after: number | undefined): Promise<Page> {
  const answer = await client.request('sync', { limit: PAGE, ...(after !== undefined && { after }) });
  expect(answer).toMatchObject({ ok: true });
  const events = answer['events'] as SyncedMessage[];
  const messages = events.map(({ message }) => message).filter((slot): slot is Message => !isVoid(slot));
  return { messages, next: answer['next'] as number, more: answer['more'] as boolean };
}

export async function pullAll(client: TestClient, disk: Disk): Promise<number[]> {
  const fresh: number[] = [];
  for (let more = true; more;) {
    const page = await pull(client, disk.position);
    fresh.push(disk.take(page.messages, page.next));
    more = page.more;
  }
  return fresh;
}
