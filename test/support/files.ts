// Files as a client has them: asks for a place, and puts them there.
import { randomUUID } from 'node:crypto';
import type { Frame, TestClient } from './client.ts';

export interface Place {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly expiresAt: number;
  readonly media: string;
}

export const aPicture = { name: 'holiday.png', size: 7, mime: 'image/png' };

export async function askForPlace(client: TestClient, fields: Record<string, unknown>): Promise<Place> {
  const answer = await client.request('upload', { ...aPicture, ...fields });
  if (!answer.ok) throw new Error(JSON.stringify(answer));
  return answer as unknown as Place;
}

export const put = ({ url, method, headers }: Place, body: string, others: Record<string, string> = {}) =>
  fetch(url, { method, headers: { ...headers, ...others }, body });

/** Uploads seven bytes for a conversation, or for everybody. */
export async function uploadFile(client: TestClient, conversationId?: string): Promise<Place> {
  const place = await askForPlace(client, conversationId === undefined ? {} : { conversationId });
  const { status } = await put(place, 'picture');
  if (status !== 200) throw new Error(`The store answered ${status}`);
  return place;
}

export const sendPicture = (
  client: TestClient,
  to: string,
  { media }: Pick<Place, 'media'>,
): Promise<Frame> =>
  client.request('send', {
    to,
    clientMsgId: randomUUID(),
    type: 'image',
    body: { ...aPicture, url: media },
  });

/** What a file holds, or why it is not to be had: the server's code, or the store's status. */
export async function fetchFile(
  client: TestClient,
  media: string,
  fields: Record<string, unknown> = {},
): Promise<string | number> {
  const answer = await client.request('download', { media, ...fields });
  if (!answer.ok) return (answer['error'] as { code: string }).code;
  const response = await fetch(answer['url'] as string);
  return response.ok ? response.text() : response.status;
}
