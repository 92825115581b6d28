// Short digests: what only has to be compared is kept as a few bytes.
import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';

function digest(text: string, bytes: number): Buffer {
  return hash('sha256', text, 'buffer').subarray(0, bytes);
}

/** 24 bits tell one user's devices apart; a collision costs one push, which the next pull repairs. */
export const deviceDigest = (deviceId: string) => digest(deviceId, 3).toString('base64url');

/** Tells a device's connection from the one that it had before. */
export const connectionDigest = (connectionId: string) => digest(connectionId, 3);

/** Of a user's mailbox, made of the connection that first opened it: no other ever has that id. */
export const mailboxName = (connectionId: string) => digest(connectionId, 6).toString('base64url');

export const pushTokenDigest = (provider: string, pushToken: string) =>
  digest(`${provider} ${pushToken}`, 18).toString('base64url');

export const CLIENT_MSG_ID_BYTES = 8;
export const PAYLOAD_BYTES = 4;

/** Among a device's last three sends, no accident meets itself. */
export const clientMsgIdDigest = (clientMsgId: string) => digest(clientMsgId, CLIENT_MSG_ID_BYTES);

/** Of the value, not of its spelling: the order of keys does not matter (RFC 8785). */
export const payloadDigest = (payload: unknown) => digest(canonicalize(payload) ?? '', PAYLOAD_BYTES);

/** Tells a request that comes again from another one. */
export const frameDigest = (frame: unknown) => digest(canonicalize(frame) ?? '', 9).toString('base64url');

/** The same for the same content. */
export const notificationDigest = (content: unknown) =>
  digest(canonicalize(content) ?? '', 18).toString('base64url');

/** The id of a group: of nobody else's, and the same for the same request. */
export const groupDigest = (userId: string, clientGroupId: string) =>
  digest(`${userId} ${clientGroupId}`, 15).toString('base64url');

/** Which reaction it is, among those of a conversation. */
export const reactionDigest = (reaction: readonly unknown[]) =>
  digest(canonicalize(reaction) ?? '', CLIENT_MSG_ID_BYTES);

/** Whose send it is, among those of a group. */
export const claimDigest = (userId: string, deviceId: string, clientMsgId: string) =>
  digest(`${userId} ${deviceId} ${clientMsgId}`, CLIENT_MSG_ID_BYTES);

/** Which message of the service API it is, among those of a conversation. */
export const serviceDigest = (from: string, clientMsgId: string) =>
  digest(`${from} ${clientMsgId}`, 15).toString('base64url');

/** The id of a broadcast: the same for the same request. */
export const broadcastDigest = (clientBroadcastId: string) =>
  digest(`broadcast ${clientBroadcastId}`, 15).toString('base64url');

/** The id of an erasure: of one user there is one at a time. */
export const erasureDigest = (userId: string) => digest(`erasure ${userId}`, 15).toString('base64url');

/** The id of an export: of a user there is one a day. */
export const exportDigest = (userId: string, day: number) =>
  digest(`export ${userId} ${day}`, 15).toString('base64url');

/** Which part of the index of all users one is in: a number below `parts`. */
export const userPart = (userId: string, parts: number) => digest(userId, 1)[0]! % parts;

/** Whose call of the service API it is. */
export const callerDigest = (arn: string) => digest(arn, 15).toString('base64url');
