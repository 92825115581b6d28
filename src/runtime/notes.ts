// Notes about devices that are to be looked at later, in the notifier's queue; and what puts them there for devices that are away.
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { DynamoDBStreamEvent } from 'aws-lambda';
import type { Context } from '../core/context.ts';
import type { Notes } from '../core/notifications/note.ts';
import { noteOf } from '../core/offline-queue.ts';
import { createQueue } from './queues.ts';

const QUEUE_VARIABLE = 'NOTIFICATIONS_QUEUE_URL';

export function createNotes(): Notes {
  const queue = createQueue(QUEUE_VARIABLE);
  return {
    async send(notes, delayMs) {
      const delaySeconds = Math.ceil(delayMs / 1_000);
      await queue.send(notes.map((note) => ({ body: JSON.stringify(note), delaySeconds })));
    },
  };
}

/** A note for each entry of the offline queue that says that something is fresh. All of them again, when some were not taken. */
export function offlineStream({
  notes,
  settings,
}: Pick<Context, 'notes' | 'settings'>): (event: DynamoDBStreamEvent) => Promise<void> {
  return async ({ Records: records }) => {
    const entries = records.map(({ dynamodb }) =>
      unmarshall(dynamodb!.NewImage as Record<string, AttributeValue>),
    );
    await notes.send(entries.map(noteOf), settings.notifyDelayMs);
  };
}
