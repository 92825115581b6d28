// The four tables: their names, keys and attributes. Nothing else in the project spells them.

export interface TableIndex {
  readonly name: string;
  readonly partitionKey: string;
  readonly sortKey: { readonly name: string; readonly type: 'S' };
}

export interface TableDefinition {
  /** Name of the environment variable that holds the physical table name. */
  readonly variable: string;
  readonly partitionKey: string;
  readonly sortKey: { readonly name: string; readonly type: 'S' | 'N' };
  /** Finds items by another key: only those that have it, and only their keys. */
  readonly index?: TableIndex;
  /** New images of this table's writes go to a stream. */
  readonly stream: boolean;
}

export const tableDefinitions = {
  /** The message store: one timeline per conversation. */
  Messages: {
    variable: 'MESSAGES_TABLE',
    partitionKey: 'conversationId',
    sortKey: { name: 'seq', type: 'N' },
    stream: true,
  },
  /** Conversation heads, members and the devices that look at a large group. */
  Conversations: {
    variable: 'CONVERSATIONS_TABLE',
    partitionKey: 'conversationId',
    sortKey: { name: 'item', type: 'S' },
    stream: false,
  },
  /** Mailboxes (the sync timelines), devices and a user's view of each conversation. */
  Users: {
    variable: 'USERS_TABLE',
    partitionKey: 'userId',
    sortKey: { name: 'item', type: 'S' },
    // Everybody who is known: mailbox heads have the key from their beginning on, so no later write is one to the index.
    index: { name: 'known', partitionKey: 'k', sortKey: { name: 'userId', type: 'S' } },
    stream: false,
  },
  /** What a registered device that is away has waiting. */
  OfflineQueue: {
    variable: 'OFFLINE_QUEUE_TABLE',
    partitionKey: 'userId',
    sortKey: { name: 'deviceId', type: 'S' },
    stream: true,
  },
} as const satisfies Record<string, TableDefinition>;

export type TableName = keyof typeof tableDefinitions;

/** Physical table names, as the deployment gave them. */
export type TableNames = Readonly<Record<TableName, string>>;

/** The attribute that DynamoDB's TTL looks at: epoch seconds. */
export const ttlAttribute = 'expiresAt';

export const uncountedPrefix = 'UNCOUNTED#';
const devicePrefix = 'DEVICE#';
const viewPrefix = 'CONV#';
const memberPrefix = 'MEMBER#';
const pastPrefix = 'PAST#';
const pushTargetPrefix = 'PUSH#';
const contactPrefix = 'CONTACT#';
const blockPrefix = 'BLOCK#';
const watchPrefix = 'WATCH#';
const subscriptionPrefix = 'SUB#';

/** Sort key of the one head item of a conversation or of a user. */
export const HEAD = 'HEAD';

export const itemKey = {
  /** Of a group. */
  member: (userId: string) => `${memberPrefix}${userId}`,
  /** What a group is called and says of itself: apart from its HEAD, which every message writes. */
  info: 'INFO',
  /** When the members of a large group are told next that there is something new. */
  heads: 'HEADS',
  /** A connection that looks at a large group. */
  subscription: (connectionId: string) => `${subscriptionPrefix}${connectionId}`,
  /** A file of a conversation, and which message names it. */
  media: (id: string) => `MEDIA#${id}`,
  /** How many groups a user is in. */
  groupCount: 'GROUPS',
  profile: 'PROFILE',
  /** Slots of a conversation that hold nothing to read any more, sealed: named by the first of them. */
  uncounted: (firstSeq: number) => `${uncountedPrefix}${String(firstSeq).padStart(12, '0')}`,
  /** A sealed mailbox page, named by its first syncSeq so that pages sort in order. */
  page: (firstSyncSeq: number) => `PAGE#${String(firstSyncSeq).padStart(12, '0')}`,
  device: (deviceId: string) => `${devicePrefix}${deviceId}`,
  /** Where to notify a device: apart from its cursor, which moves often, for push tokens are long. */
  pushTarget: (deviceId: string) => `${pushTargetPrefix}${deviceId}`,
  conversationView: (conversationId: string) => `${viewPrefix}${conversationId}`,
  /** Of a group that one was in: what one said there is found by it. */
  pastConversation: (conversationId: string) => `${pastPrefix}${conversationId}`,
  /** Apart from the view, which is read with all the others: drafts are long. */
  draft: (conversationId: string) => `DRAFT#${conversationId}`,
  rate: (name: string) => `RATE#${name}`,
  block: (userId: string) => `${blockPrefix}${userId}`,
  contact: (userId: string) => `${contactPrefix}${userId}`,
  /** In the partition of who is watched: by which device, over which connection. No id has a `#` in it. */
  watch: (watcher: string, deviceId: string) => `${watchPrefix}${watcher}#${deviceId}`,
  /** Whom a device watches. */
  watches: (deviceId: string) => `WATCHES#${deviceId}`,
  /** When who watches was told last, and is told next. */
  presence: 'PRESENCE',
} as const;

/** Keys of the Conversations table. */
export const headKey = (conversationId: string) => ({ conversationId, item: HEAD });
export const infoKey = (conversationId: string) => ({ conversationId, item: itemKey.info });
export const headsKey = (conversationId: string) => ({ conversationId, item: itemKey.heads });
export const memberKey = (conversationId: string, userId: string) => ({
  conversationId,
  item: itemKey.member(userId),
});
export const subscriptionKey = (conversationId: string, connectionId: string) => ({
  conversationId,
  item: itemKey.subscription(connectionId),
});

export const mediaKey = (conversationId: string, id: string) => ({
  conversationId,
  item: itemKey.media(id),
});

/** What the service API sent there as somebody, for a day. */
export const serviceClaimKey = (conversationId: string, digest: string) => ({
  conversationId,
  item: `SERVICE#${digest}`,
});

/** Of the index of all users: a few partitions, so that many who come at once do not meet in one. */
export const knownAttribute = tableDefinitions.Users.index.partitionKey;
/** All users of one of its partitions, after one of them. No id has a `!` in it, nor a character that sorts before. */
export const knownUsers = (after: string | undefined) => ({
  index: tableDefinitions.Users.index,
  read: 'eventual' as const,
  from: after === undefined ? ' ' : `${after}!`,
  to: '\uffff',
});
export const knownShards = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] as const;

/** A broadcast, how far its lanes are, and whom it goes to. No conversation's id has a `#` in it. */
const ofBroadcast = (id: string, item: string) => ({ conversationId: `BROADCAST#${id}`, item });
export const broadcastKey = (id: string) => ofBroadcast(id, HEAD);
export const broadcastLaneKey = (id: string, lane: number) => ofBroadcast(id, `LANE#${lane}`);
export const broadcastUsersKey = (id: string, part: number) => ofBroadcast(id, `USERS#${part}`);

/** Keys of the Users table. */
export const mailboxKey = (userId: string) => ({ userId, item: HEAD });
export const deviceKey = (userId: string, deviceId: string) => ({ userId, item: itemKey.device(deviceId) });
export const groupCountKey = (userId: string) => ({ userId, item: itemKey.groupCount });
export const profileKey = (userId: string) => ({ userId, item: itemKey.profile });
export const pushTargetKey = (userId: string, deviceId: string) => ({
  userId,
  item: itemKey.pushTarget(deviceId),
});
export const blockKey = (userId: string, blocked: string) => ({ userId, item: itemKey.block(blocked) });
export const contactKey = (userId: string, contact: string) => ({ userId, item: itemKey.contact(contact) });
export const watchKey = (userId: string, watcher: string, deviceId: string) => ({
  userId,
  item: itemKey.watch(watcher, deviceId),
});
export const watchesKey = (userId: string, deviceId: string) => ({
  userId,
  item: itemKey.watches(deviceId),
});
export const presenceKey = (userId: string) => ({ userId, item: itemKey.presence });
export const rateKey = (userId: string, name: string) => ({ userId, item: itemKey.rate(name) });
/** How often one who calls the service API did so, in a minute. No userId has a `#` in it. */
export const callerRateKey = (callerDigest: string, minute: number) => ({
  userId: `CALLER#${callerDigest}`,
  item: `${itemKey.rate('service')}#${minute}`,
});
/** Of the OfflineQueue table. */
export const offlineKey = (userId: string, deviceId: string) => ({ userId, deviceId });
/** Whose a push token is. No userId has a `#` in it. */
export const pushTokenKey = (tokenDigest: string) => ({ userId: `TOKEN#${tokenDigest}`, item: HEAD });

export const viewKey = (userId: string, conversationId: string) => ({
  userId,
  item: itemKey.conversationView(conversationId),
});
export const draftKey = (userId: string, conversationId: string) => ({
  userId,
  item: itemKey.draft(conversationId),
});

export const pastKey = (userId: string, conversationId: string) => ({
  userId,
  item: itemKey.pastConversation(conversationId),
});

/** All groups that a user was in, as a range of sort keys. */
export const pastItems = { from: pastPrefix, to: `${pastPrefix}\uffff` } as const;
export const pastIdOf = (pastItem: string) => pastItem.slice(pastPrefix.length);

/** How far an export is. */
export const exportKey = (exportId: string) => ({ userId: `EXPORT#${exportId}`, item: HEAD });

/** How far the erasure of a user is. No userId has a `#` in it. */
export const erasureKey = (erasureId: string) => ({ userId: `ERASURE#${erasureId}`, item: HEAD });

/** Where a user's devices are notified, as a range of sort keys. */
export const pushTargetItems = { from: pushTargetPrefix, to: `${pushTargetPrefix}\uffff` } as const;
export const pushTargetIdOf = (pushTargetItem: string) => pushTargetItem.slice(pushTargetPrefix.length);

/** Everything of a partition whose sort key is text. */
export const allItems = { from: ' ', to: '\uffff' } as const;

/** All of a user's views of conversations, as a range of sort keys. */
export const viewItems = { from: viewPrefix, to: `${viewPrefix}\uffff` } as const;
/** Those whose id comes after that one. No id has a `!` in it, nor a character that sorts before. */
export const viewItemsAfter = (conversationId: string) => ({
  from: `${itemKey.conversationView(conversationId)}!`,
  to: viewItems.to,
});
export const conversationIdOf = (viewItem: string) => viewItem.slice(viewPrefix.length);

/** All members of a group, and those that were, as a range of sort keys. */
export const memberItems = { from: memberPrefix, to: `${memberPrefix}\uffff` } as const;
export const memberIdOf = (memberItem: string) => memberItem.slice(memberPrefix.length);

/** All of a user's contacts, and those that were, as a range of sort keys. */
export const contactItems = { from: contactPrefix, to: `${contactPrefix}\uffff` } as const;
export const contactIdOf = (contactItem: string) => contactItem.slice(contactPrefix.length);

/** All whom a user blocks, as a range of sort keys. */
export const blockItems = { from: blockPrefix, to: `${blockPrefix}\uffff` } as const;
export const blockedIdOf = (blockItem: string) => blockItem.slice(blockPrefix.length);

/** All who watch a user, and the devices of one of them, as ranges of sort keys. */
export const watchItems = { from: watchPrefix, to: `${watchPrefix}\uffff` } as const;
export const watchItemsOf = (watcher: string) => ({
  from: itemKey.watch(watcher, ''),
  to: itemKey.watch(watcher, '\uffff'),
});

export const subscriptionItems = { from: subscriptionPrefix, to: `${subscriptionPrefix}\uffff` } as const;
export const subscriberOf = (subscriptionItem: string) => subscriptionItem.slice(subscriptionPrefix.length);

/** All of a user's devices, as a range of sort keys. */
export const deviceItems = { from: devicePrefix, to: `${devicePrefix}\uffff` } as const;
export const deviceIdOf = (deviceItem: string) => deviceItem.slice(devicePrefix.length);

/** The two users of a direct conversation, in the order of its id. */
export type Side = 'a' | 'b';

/** What a user does not want; in the mailbox head, where whoever tells them or of them looks anyway. */
export const unwantedAttributes = {
  presence: 'noPresence',
  receipts: 'noReceipts',
  previews: 'noPreviews',
  mentions: 'noMentions',
} as const;

/** Who is kept out, in the mailbox head: milliseconds since the epoch. */
export const barAttributes = { bannedUntil: 'bannedUntil', revokedAt: 'revokedAt' } as const;

const reactionPrefix = 'r#';

/** `r#👍`: users who reacted to a message with that; in its item. */
export const reactionAttribute = (emoji: string) => `${reactionPrefix}${emoji}`;
export const reactionEmoji = (attribute: string) => attribute.slice(reactionPrefix.length);
export const reactionAttributes = (item: Readonly<Record<string, unknown>>) =>
  Object.keys(item).filter((name) => name.startsWith(reactionPrefix));

/** A member's own state; in a group's MEMBER item under these names. */
export const memberAttributes = {
  readSeq: 'readSeq',
  readCounted: 'readCounted',
  floorSeq: 'floorSeq',
  blocked: 'blocked',
  hidesReads: 'hidesReads',
} as const;

export type MemberAttribute = keyof typeof memberAttributes;

/** The same in the one item of a direct conversation, for one of its sides: short, for that item is to fit 1 KB. */
export function sideAttributes(side: Side): Record<MemberAttribute, string> {
  return {
    readSeq: `${side}Read`,
    readCounted: `${side}Counted`,
    floorSeq: `${side}Floor`,
    blocked: `${side}Blocked`,
    hidesReads: `${side}Hides`,
  };
}

/** What a group's policy says other than by default; in its HEAD. */
export const policyAttributes = {
  invite: 'adminsInvite',
  post: 'adminsPost',
  history: 'allHistory',
} as const;

/** Of a message: the request that stored it, for operators alone. */
export const traceAttribute = 'trace';

/** Of a message that was imported: nobody is told of it. */
export const importedAttribute = 'imported';

/** Of a message that a hook sent, by its own word: the hook is not told of it. */
export const fromHookAttribute = 'fromHook';

/** The claims of a group's HEAD: sends that took a number there, whoever made them (rings.ts). */
export const claimsAttribute = 'claims';

/** Reactions in a conversation that took a number, the last ones; in its HEAD (reaction-numbers.ts). */
export const reactionClaimsAttribute = 'reacting';

/** `a#x9Zk`: the ring of a device of one side, by its digest (rings.ts); of a group's member, in their own item, `a`. */
export const ringAttribute = (side: Side, deviceDigest: string) => `${side}#${deviceDigest}`;

/** The rings of a side among an item's attributes. */
export function ringAttributes(attributeNames: readonly string[], side: Side): string[] {
  return attributeNames.filter((name) => name.startsWith(`${side}#`));
}

/** Attributes of the mailbox head that carry a device id in their name. */
export const deviceAttribute = {
  connection: (deviceId: string) => `c#${deviceId}`,
  push: (deviceId: string) => `p#${deviceId}`,
} as const;

export const connectionAttributePrefix = 'c#';
export const pushAttributePrefix = 'p#';
