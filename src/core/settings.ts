// What an operator may tune, with its defaults: written here and nowhere else.
import * as v from 'valibot';
import { platforms } from '../protocol/ids.ts';

const milliseconds = v.pipe(v.number(), v.integer(), v.minValue(0));
const seconds = v.pipe(v.number(), v.integer(), v.minValue(0));
const bytes = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(5 * 1024 ** 3));
const days = v.pipe(v.number(), v.integer(), v.minValue(1));

const devices = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100));

/** SQS delays a message by a quarter of an hour at most, and by whole seconds: parts of one are rounded up. */
const queueDelay = v.pipe(milliseconds, v.maxValue(900_000));
const wording = (text: string) => v.optional(v.pipe(v.string(), v.nonEmpty(), v.maxLength(100)), text);

export const settingsSchema = v.strictObject({
  /** Devices of one user that may be connected at once on each platform; for one more, the oldest goes. */
  devicesPerPlatform: v.optional(
    v.union([devices, v.strictObject(v.entriesFromList(platforms, v.optional(devices, 1)))]),
    1,
  ),
  /** A hole in a conversation older than this may be fenced with a void. */
  settleMs: v.optional(milliseconds, 3_000),
  /** What one device may send to one conversation, steadily and at once; above it `rate_limited`. */
  sendsPerSecond: v.optional(v.pipe(v.number(), v.minValue(0.1), v.maxValue(1_000)), 300),
  sendBurst: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000)), 50),
  /** A send that has been under way for so long may have been repeated; less than a client waits (10 s). */
  sendPatienceMs: v.optional(milliseconds, 8_000),
  /** Conversations that a user may begin, or try to, with people they have none with yet. */
  conversationsPerMinute: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10_000)), 20),
  /** Conversations are begun, and members added, only by people whom the other one has as a contact. */
  contactsOnly: v.optional(v.boolean(), false),
  /** Up to so many members, a group's messages are written to each member's mailbox. */
  writeFanoutLimit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10_000)), 500),
  /** Mailboxes, or connections that look at a group, that one invocation of fan-out serves; the rest is cut into parts. */
  recipientsPerInvocation: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(5_000)), 500),
  /** A member who is online and does not look at a large group hears of new messages this often, at most. */
  headsIntervalMs: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(1_000), v.maxValue(900_000)),
    30_000,
  ),
  /** Members of a group, and groups of a user. */
  groupLimit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(100_000)), 10_000),
  groupsPerUser: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10_000)), 500),
  /** Groups that a user may make, and requests to add members, a minute. */
  groupRequestsPerMinute: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10_000)), 120),
  /** Requests of one caller of the service API, a minute. */
  serviceRequestsPerMinute: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000_000)),
    30_000,
  ),
  /** How long one invocation goes on with long work, as a broadcast or an erasure: well within its timeout. */
  workSliceMs: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(30_000)), 20_000),
  /** Pages of a search that a user may ask for; each reads about a megabyte at most. */
  searchesPerMinute: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10_000)), 60),
  /** How long after it was sent a message may be recalled by its sender, and edited. */
  recallSeconds: v.optional(seconds, 120),
  editSeconds: v.optional(seconds, 900),
  /** A message that is older than this is looked up before it is pushed: it may have been recalled since. */
  pushFreshMs: v.optional(milliseconds, 1_000),
  /** Bytes of a file that goes with a message, and of an avatar; S3 takes 5 GB at once. */
  mediaMaxBytes: v.optional(bytes, 100 * 1024 * 1024),
  avatarMaxBytes: v.optional(bytes, 5 * 1024 * 1024),
  uploadsPerMinute: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10_000)), 60),
  /** How long messages are kept; absent = for ever. */
  messageRetentionDays: v.optional(days),
  /** Lifetime of sealed mailbox pages: how long a device may be away and still catch up by `sync`. */
  mailboxRetentionDays: v.optional(days, 30),
  /** Another one for tables that were restored from a backup: clients that know more than these start over. */
  epoch: v.optional(
    v.pipe(v.string(), v.regex(/^[\w-]{0,16}$/, 'must be up to 16 letters, digits, _ or -')),
    '',
  ),
  /** Lifetime of an offline-queue entry. */
  offlineQueueRetentionDays: v.optional(days, 30),
  /** How long after a message a device that is away is notified of it, and what came until then with it. */
  notifyDelayMs: v.optional(queueDelay, 5_000),
  /** A registered device that acknowledges nothing for so long after a push counts as away, however connected it looks. */
  ackTimeoutMs: v.optional(queueDelay, 20_000),
  /** What a notification says of messages that are no text. */
  previewWordings: v.optional(
    v.strictObject({
      image: wording('Photo'),
      voice: wording('Voice message'),
      video: wording('Video'),
      file: wording('File'),
      custom: wording('Message'),
    }),
    {},
  ),
  /** A connection younger than this is not dropped for a 410: it may not be open yet (integration timeout, 29 s). */
  connectGraceMs: v.optional(milliseconds, 30_000),
});

export type Settings = v.InferOutput<typeof settingsSchema>;

/** @throws ValiError when a value is out of range. */
export function parseSettings(overrides: unknown): Settings {
  return v.parse(settingsSchema, overrides);
}
