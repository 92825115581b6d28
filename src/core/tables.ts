// The four tables: their names, keys and attributes. Nothing else in the project spells them.

export interface TableDefinition {
  /** Name of the environment variable that holds the physical table name. */
  readonly variable: string;
  readonly partitionKey: string;
  readonly sortKey: { readonly name: string; readonly type: 'S' | 'N' };
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

/** Sort key of the one head item of a conversation or of a user. */
export const HEAD = 'HEAD';

export const itemKey = {
  member: (userId: string) => `MEMBER#${userId}`,
  /** A sealed mailbox page, named by its first syncSeq so that pages sort in order. */
  page: (firstSyncSeq: number) => `PAGE#${String(firstSyncSeq).padStart(12, '0')}`,
  device: (deviceId: string) => `DEVICE#${deviceId}`,
  conversationView: (conversationId: string) => `CONV#${conversationId}`,
  block: (userId: string) => `BLOCK#${userId}`,
} as const;

/** Attributes of the mailbox head that carry a device id in their name. */
export const deviceAttribute = {
  connection: (deviceId: string) => `c#${deviceId}`,
  push: (deviceId: string) => `p#${deviceId}`,
} as const;

export const connectionAttributePrefix = 'c#';
export const pushAttributePrefix = 'p#';
