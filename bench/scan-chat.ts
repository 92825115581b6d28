// The chat that most people start from: a table of connections, scanned at every message. After the well-known sample
// (github.com/aws-samples/simple-websockets-chat-app), with DynamoDB and the gateway handed in.
import {
  DeleteItemCommand,
  PutItemCommand,
  ScanCommand,
  type DynamoDBClient,
  type ScanCommandOutput,
} from '@aws-sdk/client-dynamodb';

export interface ScanChatParts {
  readonly db: DynamoDBClient;
  readonly tableName: string;
  /** `false`: that connection is gone. */
  readonly post: (connectionId: string, data: string) => Promise<boolean>;
}

export function createScanChat({ db, tableName: TableName, post }: ScanChatParts) {
  const keyOf = (connectionId: string) => ({ connectionId: { S: connectionId } });
  return {
    connect: (connectionId: string) => db.send(new PutItemCommand({ TableName, Item: keyOf(connectionId) })),
    disconnect: (connectionId: string) =>
      db.send(new DeleteItemCommand({ TableName, Key: keyOf(connectionId) })),
    async sendMessage(data: string): Promise<void> {
      let ExclusiveStartKey: ScanCommandOutput['LastEvaluatedKey'];
      do {
        const page: ScanCommandOutput = await db.send(
          new ScanCommand({ TableName, ProjectionExpression: 'connectionId', ExclusiveStartKey }),
        );
        await Promise.all(
          (page.Items ?? []).map(async ({ connectionId }) => {
            const id = connectionId!.S!;
            if (!(await post(id, data))) await this.disconnect(id);
          }),
        );
        ExclusiveStartKey = page.LastEvaluatedKey;
      } while (ExclusiveStartKey);
    },
  };
}
