// Every limit of the wire protocol, once. Bytes are UTF-8 bytes of JSON.
import { clientLimits } from './client-limits.ts';

export const limits = {
  ...clientLimits,
  /** A frame from a client, and a push to one. */
  frameBytes: 32 * 1024,
  /** A response; API Gateway sends at most 128 KB, in frames of 32 KB. */
  responseBytes: 120 * 1024,
  deviceId: 64,
  requestId: 64,
  /** To one message. */
  reactions: { emoji: 20, reactions: 500 },
  /** Characters. */
  emoji: { min: 1, max: 32 },
  syncEvents: { max: 200, default: 100 },
  historyMessages: { max: 100, default: 50 },
  /** Conversations that one `pending` answer names, newest first. */
  pendingConversations: 200,
  /** Conversations whose unread messages one answer counts. */
  unreadConversations: 1_000,
  conversations: { max: 100, default: 50 },
  /** Bytes, in UTF-8. */
  draft: 4096,
  /** Characters. */
  groupTitle: { min: 1, max: 100 },
  announcement: 1_000,
  /** Bytes, in UTF-8; of a group, and of a user. */
  avatar: 512,
  /** Users that one request adds to a group, or removes. */
  groupRequestUsers: 100,
  members: { max: 100, default: 100 },
  /** Ten years. */
  muteSeconds: 315_360_000,
  receipts: { max: 100, default: 100 },
  /** Bytes, in UTF-8. */
  pushToken: 4096,
  /** Devices of one user that are remembered. */
  devices: 50,
  /** Devices of one user that may be registered for push notifications. */
  pushDevices: 8,
} as const;

/** Of `search`: apart, for bundles that do not serve it are without them. */
export const searchLimits = {
  /** Characters. */
  query: { min: 1, max: 100 },
  /** Longer than any that the server makes. */
  cursor: 1024,
  hits: { max: 50, default: 20 },
} as const;

/** Of the frames about files, likewise. */
export const mediaLimits = {
  /** Characters. */
  name: { min: 1, max: 255 },
  mime: 127,
  /** Bytes. */
  media: 512,
} as const;

/** Of the service API, likewise. */
export const serviceLimits = {
  /** Users that one request makes. */
  users: 100,
  /** Users and conversations that one request sends to. */
  targets: 100,
  broadcast: {
    /** Users that a list may hold. */
    users: 10_000,
    /** Messages a second. */
    rate: { max: 2_000, default: 500 },
  },
  /** Messages of another system that one request imports. */
  imports: 25,
  /** Characters. */
  kickReason: { min: 1, max: 100 },
  /** Ten years. */
  banSeconds: 315_360_000,
} as const;

/** Of hooks: what an operator's own endpoint is given, and may answer. */
export const hookLimits = {
  /** For an answer to `beforeSend`, all in all. */
  beforeSendMs: 500,
  /** Characters of the text that a refusal is told with. */
  message: 500,
  /** For an answer to `afterSend`. */
  afterSendMs: 5_000,
  /** What one request of `afterSend` holds. */
  afterSendMessages: 100,
  afterSendBytes: 256 * 1024,
} as const;
