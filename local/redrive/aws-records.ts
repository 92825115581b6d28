// Stream records as the SDK decodes them, turned into the event that Lambda makes of the same record.
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { _Record } from '@aws-sdk/client-dynamodb-streams';
import type { Item } from '../dynamodb/capacity.ts';
import type { StreamRecord } from '../event-source/stream-record.ts';

type Image = Record<string, AttributeValue>;

export function toLambdaRecord(record: _Record, streamArn: string): StreamRecord {
  const { dynamodb, userIdentity } = record;
  const { Keys, NewImage, OldImage, ApproximateCreationDateTime } = dynamodb!;
  const images = { Keys, NewImage, OldImage } as Record<string, Image | undefined>;
  return {
    eventID: record.eventID!,
    eventName: record.eventName!,
    eventVersion: record.eventVersion!,
    eventSource: 'aws:dynamodb',
    awsRegion: record.awsRegion!,
    dynamodb: {
      ApproximateCreationDateTime: Math.floor(ApproximateCreationDateTime!.getTime() / 1000),
      Keys: {},
      ...Object.fromEntries(
        Object.entries(images).flatMap(([name, image]) => (image ? [[name, toItem(image)]] : [])),
      ),
      SequenceNumber: dynamodb!.SequenceNumber!,
      SizeBytes: dynamodb!.SizeBytes!,
      StreamViewType: dynamodb!.StreamViewType!,
    },
    // The API capitalizes these names, an event does not.
    ...(userIdentity && {
      userIdentity: { type: userIdentity.Type!, principalId: userIdentity.PrincipalId! },
    }),
    eventSourceARN: streamArn,
  };
}

/** An event is JSON: binary values travel as base64. */
function toItem(image: Image): Item {
  return JSON.parse(JSON.stringify(image, base64)) as Item;
}

/** Looks at what stands there itself: `value` is what a Buffer makes of itself for JSON. */
function base64(this: Readonly<Record<string, unknown>>, key: string, value: unknown): unknown {
  const bytes = this[key];
  return bytes instanceof Uint8Array ? Buffer.from(bytes).toString('base64') : value;
}
