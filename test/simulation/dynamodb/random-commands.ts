// Commands drawn at random over few keys, so that they meet each other's items.
import {
  BatchGetItemCommand,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type TransactWriteItem,
} from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import type { Item } from './attribute-values.ts';
import type { ModelCommand } from './model.ts';
import { attributes, condition, inputOf, update } from './random-expressions.ts';
import type { Names } from './twin.ts';

/** What is drawn does not know yet in which partitions, of which tables, it will take place. */
export type Draft = (names: Names, run: string) => ModelCommand;
type Place = 'Messages' | 'Users';
type Input<Result> = (names: Names, run: string) => Result;

const partitionKeys = { Messages: 'conversationId', Users: 'userId' } as const;
const sortKeys = { Messages: 'seq', Users: 'item' } as const;

const place = fc.constantFrom<Place>('Messages', 'Users');
const sort = fc.nat(3);
const partition = fc.constantFrom('p', 'q');
const sortNames = ['HEAD', 'PAGE#1', 'PAGE#10', '\u{1F600}'] as const;
const key = fc.record({ place, partition, sort });
type DrawnKey = typeof key extends fc.Arbitrary<infer Drawn> ? Drawn : never;

const sortValue = (place: Place, sort: number) =>
  place === 'Messages' ? { N: String([-1, 2, 10, 0.5][sort]) } : { S: sortNames[sort]! };

function keyIn({ place, partition, sort }: DrawnKey, run: string): Item {
  return { [partitionKeys[place]]: { S: run + partition }, [sortKeys[place]]: sortValue(place, sort) };
}

const onFailure = fc.constantFrom('ALL_OLD', 'NONE', undefined);
const maybeCondition = fc.option(condition, { nil: undefined });

const putInput = fc
  .tuple(key, attributes, maybeCondition, onFailure)
  .map(
    ([drawn, rest, condition, ReturnValuesOnConditionCheckFailure]): Input<Defined<'Put'>> =>
      (names, run) => ({
        TableName: names[drawn.place],
        Item: { ...(rest as Item), ...keyIn(drawn, run) },
        ...inputOf({ condition }),
        ReturnValuesOnConditionCheckFailure,
      }),
  );
const updateInput = fc
  .tuple(key, update, maybeCondition, onFailure)
  .map(
    ([drawn, update, condition, ReturnValuesOnConditionCheckFailure]): Input<Defined<'Update'>> =>
      (names, run) => ({
        TableName: names[drawn.place],
        Key: keyIn(drawn, run),
        UpdateExpression: undefined,
        ...inputOf({ update, condition }),
        ReturnValuesOnConditionCheckFailure,
      }),
  );
const deleteInput = fc
  .tuple(key, maybeCondition, onFailure)
  .map(
    ([drawn, condition, ReturnValuesOnConditionCheckFailure]): Input<Defined<'Delete'>> =>
      (names, run) => ({
        TableName: names[drawn.place],
        Key: keyIn(drawn, run),
        ...inputOf({ condition }),
        ReturnValuesOnConditionCheckFailure,
      }),
  );
const checkInput = fc
  .tuple(key, condition, onFailure)
  .map(
    ([drawn, condition, ReturnValuesOnConditionCheckFailure]): Input<Defined<'ConditionCheck'>> =>
      (names, run) => ({
        TableName: names[drawn.place],
        Key: keyIn(drawn, run),
        ConditionExpression: undefined,
        ...inputOf({ condition }),
        ReturnValuesOnConditionCheckFailure,
      }),
  );
type Defined<Kind extends keyof TransactWriteItem> = NonNullable<TransactWriteItem[Kind]>;

const returnOld = fc.constantFrom('NONE', 'ALL_OLD', undefined);
const returnAny = fc.constantFrom('NONE', 'ALL_OLD', 'ALL_NEW', undefined);

const put = fc.tuple(putInput, returnOld).map(
  ([input, ReturnValues]): Draft =>
    (...where) =>
      new PutItemCommand({ ...input(...where), ReturnValues }),
);
const updateItem = fc.tuple(updateInput, returnAny).map(
  ([input, ReturnValues]): Draft =>
    (...where) =>
      new UpdateItemCommand({ ...input(...where), ReturnValues }),
);
const deleteItem = fc.tuple(deleteInput, returnOld).map(
  ([input, ReturnValues]): Draft =>
    (...where) =>
      new DeleteItemCommand({ ...input(...where), ReturnValues }),
);
const get = key.map(
  (drawn): Draft =>
    (names, run) =>
      new GetItemCommand({ TableName: names[drawn.place], Key: keyIn(drawn, run) }),
);
const batchGet = fc.array(key, { minLength: 1, maxLength: 6 }).map((keys): Draft => (names, run) => {
  const places = [...new Set(keys.map(({ place }) => place))];
  const RequestItems = places.map((place) => [
    names[place],
    { Keys: keys.filter((drawn) => drawn.place === place).map((drawn) => keyIn(drawn, run)) },
  ]);
  return new BatchGetItemCommand({ RequestItems: Object.fromEntries(RequestItems) });
});

const range = fc.constantFrom('', '=', '<', '<=', '>', '>=', 'BETWEEN', 'begins_with');
const query = fc
  .record({
    place,
    partition,
    range,
    low: sort,
    high: sort,
    limit: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
    isForward: fc.boolean(),
  })
  .map(({ place: drawn, partition, range, low, high, limit, isForward }): Draft => (names, run) => {
    // Numbers have no beginning; dynoxide looks for one.
    const place = range === 'begins_with' ? 'Users' : drawn;
    const values: Item = { ':p': { S: run + partition } };
    if (range !== '') values[':low'] = range === 'begins_with' ? { S: 'PAGE#1' } : sortValue(place, low);
    if (range === 'BETWEEN') values[':high'] = sortValue(place, high);
    return new QueryCommand({
      TableName: names[place],
      KeyConditionExpression: `#p = :p${keyRange(range)}`,
      ExpressionAttributeNames: { '#p': partitionKeys[place], ...(range && { '#s': sortKeys[place] }) },
      ExpressionAttributeValues: values,
      Limit: limit,
      ScanIndexForward: isForward,
    });
  });

function keyRange(range: string): string {
  if (range === '') return '';
  if (range === 'BETWEEN') return ' AND #s BETWEEN :low AND :high';
  return range === 'begins_with' ? ' AND begins_with(#s, :low)' : ` AND #s ${range} :low`;
}

const part = fc.oneof(
  putInput.map((input): Input<TransactWriteItem> => (...where) => ({ Put: input(...where) })),
  updateInput.map((input): Input<TransactWriteItem> => (...where) => ({ Update: input(...where) })),
  deleteInput.map((input): Input<TransactWriteItem> => (...where) => ({ Delete: input(...where) })),
  checkInput.map((input): Input<TransactWriteItem> => (...where) => ({ ConditionCheck: input(...where) })),
);
const transaction = fc
  .tuple(fc.array(part, { minLength: 1, maxLength: 3 }), fc.option(fc.nat(1), { freq: 3, nil: undefined }))
  .map(
    ([parts, token]): Draft =>
      (names, run) =>
        new TransactWriteItemsCommand({
          TransactItems: ofDifferentItems(parts.map((input) => input(names, run))),
          ClientRequestToken: token === undefined ? undefined : `${run}${token}`,
        }),
  );

/** Of parts for one item, the first: engines disagree about what they find wrong first. */
function ofDifferentItems(parts: readonly TransactWriteItem[]): TransactWriteItem[] {
  const places = parts.map(({ Put, Update, Delete, ConditionCheck }) => {
    const item: Item = Put?.Item ?? (Update ?? Delete ?? ConditionCheck)!.Key!;
    return JSON.stringify([item['conversationId'], item['seq'], item['userId'], item['item']]);
  });
  return parts.filter((_, index) => places.indexOf(places[index]!) === index);
}

export const command = fc.oneof(
  { weight: 3, arbitrary: put },
  { weight: 8, arbitrary: updateItem },
  { weight: 1, arbitrary: deleteItem },
  { weight: 1, arbitrary: get },
  { weight: 1, arbitrary: batchGet },
  { weight: 2, arbitrary: query },
  { weight: 3, arbitrary: transaction },
);
