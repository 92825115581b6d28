// The four tables, on demand, with TTL, point-in-time recovery and the streams.
import { RemovalPolicy } from 'aws-cdk-lib';
import {
  AttributeType,
  Billing,
  ProjectionType,
  StreamViewType,
  TableEncryptionV2,
  TableV2,
} from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { baselineOf } from './baseline.ts';
import type { Config } from './config.ts';
import { tableDefinitions, ttlAttribute, type TableDefinition, type TableName } from '../src/core/tables.ts';

export interface TablesProps {
  readonly disposable: boolean;
  /** Of tables that are there already. */
  readonly tableNames: Config['tableNames'];
}

export class Tables extends Construct {
  private readonly tables: ReadonlyMap<TableName, TableV2>;

  constructor(scope: Construct, id: string, props: TablesProps) {
    super(scope, id);
    const names = Object.keys(tableDefinitions) as TableName[];
    this.tables = new Map(names.map((name) => [name, this.createTable(name, props)]));
  }

  get(name: TableName): TableV2 {
    return this.tables.get(name)!;
  }

  private createTable(name: TableName, { disposable, tableNames }: TablesProps): TableV2 {
    const tableName = tableNames[name];
    const definition: TableDefinition = tableDefinitions[name];
    const { key } = baselineOf(this);
    return new TableV2(this, name, {
      ...(tableName !== undefined && { tableName }),
      partitionKey: { name: definition.partitionKey, type: AttributeType.STRING },
      sortKey: {
        name: definition.sortKey.name,
        type: definition.sortKey.type === 'N' ? AttributeType.NUMBER : AttributeType.STRING,
      },
      ...(key && { encryption: TableEncryptionV2.customerManagedKey(key) }),
      billing: Billing.onDemand(),
      timeToLiveAttribute: ttlAttribute,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: !disposable,
      removalPolicy: disposable ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
      ...(definition.index && {
        globalSecondaryIndexes: [
          {
            indexName: definition.index.name,
            partitionKey: { name: definition.index.partitionKey, type: AttributeType.STRING },
            sortKey: { name: definition.index.sortKey.name, type: AttributeType.STRING },
            projectionType: ProjectionType.KEYS_ONLY,
          },
        ],
      }),
      ...(definition.stream && { dynamoStream: StreamViewType.NEW_IMAGE }),
    });
  }
}
