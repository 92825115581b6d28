// Identifiers as schemas, for frames; what needs no library about them is in ids.ts.
import * as v from 'valibot';
import { idPattern, parseConversationId, parseTarget, platforms } from './ids.ts';
import { limits } from './limits.ts';

const idCharacters = 'letters, digits and _ . @ -';

export const userIdSchema = v.pipe(
  v.string(),
  v.nonEmpty('must not be empty'),
  v.maxLength(limits.userId, `must have at most ${limits.userId} characters`),
  v.regex(idPattern, `may hold only ${idCharacters}`),
);

export const deviceIdSchema = v.pipe(
  v.string(),
  v.nonEmpty('must not be empty'),
  v.maxLength(limits.deviceId, `must have at most ${limits.deviceId} characters`),
  v.regex(idPattern, `may hold only ${idCharacters}`),
);

// The reason is made when it is needed, so that bundles which need no platforms leave this out.
export const platformSchema = v.picklist(platforms, () => `must be one of ${platforms.join(', ')}`);

/** Idempotency key of a message, made by the client and kept over retries. */
export const clientMsgIdSchema = v.pipe(
  v.string(),
  v.minLength(limits.clientMsgId.min, `must have at least ${limits.clientMsgId.min} characters`),
  v.maxLength(limits.clientMsgId.max, `must have at most ${limits.clientMsgId.max} characters`),
  v.regex(/^[A-Za-z0-9_-]+$/, 'may hold only letters, digits, _ and -'),
);

export const conversationIdSchema = v.pipe(
  v.string(),
  v.check(
    (value) => parseConversationId(value) !== undefined,
    'must be d:<userA>:<userB> with the two users in code-unit order, or g:<id>',
  ),
);

/** Where a message goes: `user:<userId>` or a conversation id. */
export const targetSchema = v.pipe(
  v.string(),
  v.check(
    // Whoever sends: any user has a conversation with whom it names.
    (value) => parseTarget(value, 'anyone') !== undefined,
    'must be user:<userId> or a conversation id',
  ),
);
