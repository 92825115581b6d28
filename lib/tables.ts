// The four tables, on demand, with TTL, point-in-time recovery and the streams.
import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, Billing, StreamViewType, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { tableDefinitions, ttlAttribute, type TableDefinition, type TableName } from '../src/core/tables.ts';

export class Tables extends Construct {
  private readonly tables: ReadonlyMap<TableName, TableV2>;

  constructor(scope: Construct, id: string, props: { disposable: boolean }) {
    super(scope, id);
    const names = Object.keys(tableDefinitions) as TableName[];
    this.tables = new Map(names.map((name) => [name, this.createTable(name, props.disposable)]));
  }

  get(name: TableName): TableV2 {
    return this.tables.get(name)!;
  }

  private createTable(name: TableName, disposable: boolean): TableV2 {
    const definition: TableDefinition = tableDefinitions[name];
    return new TableV2(this, name, {
      partitionKey: { name: definition.partitionKey, type: AttributeType.STRING },
      sortKey: {
        name: definition.sortKey.name,
        type: definition.sortKey.type === 'N' ? AttributeType.NUMBER : AttributeType.STRING,
      },
      billing: Billing.onDemand(),
      timeToLiveAttribute: ttlAttribute,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: !disposable,
      removalPolicy: disposable ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
      ...(definition.stream && { dynamoStream: StreamViewType.NEW_IMAGE }),
    });
  }
}
