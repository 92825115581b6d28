// Those limits of the wire protocol that a client keeps to by itself: apart, for its bundle is without all others.

export const clientLimits = {
  /** `body` of a message as JSON. */
  bodyBytes: 16 * 1024,
  /** Objects and arrays inside each other, `body` being the first. */
  bodyDepth: 32,
  userId: 64,
  clientMsgId: { min: 8, max: 40 },
  /** Users that one message mentions. */
  mentions: 50,
  /** Conversations that one request asks the positions of. */
  positions: 100,
  /** Groups that one request subscribes to. */
  subscriptions: 50,
} as const;

/** Those of the frames about people. */
export const peopleLimits = {
  /** Characters. */
  profileName: { min: 1, max: 64 },
  contactAlias: 64,
  /** `custom` of a profile as JSON. */
  profileBytes: 1024,
  /** Users that one request asks the profiles of. */
  profiles: 100,
  contacts: { max: 200, default: 100 },
  blocked: { max: 200, default: 100 },
  /** Users that one request asks the presence of, watches or watches no more. */
  presence: 100,
  /** Users that one connection watches. */
  presenceWatches: 500,
} as const;
