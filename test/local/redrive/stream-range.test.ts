import { describe, expect, it } from 'vitest';
import type { FailedRange } from '../../../local/redrive/failed-range.ts';
import { readRange, type Stream } from '../../../local/redrive/stream-range.ts';
import type { StreamRecord } from '../../../local/event-source/stream-record.ts';

const range: FailedRange = {
  functionArn: 'arn:function',
  streamArn: 'arn:stream',
  shardId: 'shardId-1',
  startSequenceNumber: '300000000000000000009',
  endSequenceNumber: '300000000000000000012',
};

const record = (last: number) =>
  ({
    dynamodb: { SequenceNumber: `3000000000000000000${String(last).padStart(2, '0')}` },
  }) as StreamRecord;

function streamOf(...pages: number[][]): Stream & { read: number } {
  return {
    read: 0,
    async *pages() {
      for (const page of pages) {
        this.read += 1;
        yield page.map(record);
      }
    },
  };
}

function failing(name: string): Stream {
  return {
    // oxlint-disable-next-line require-yield -- the API fails before it has anything
    async *pages() {
      throw Object.assign(new Error('no'), { name });
    },
  };
}

describe('a range', () => {
  it('is read over pages that may be empty, both ends included, and no further', async () => {
    const stream = streamOf([], [9, 10], [], [11, 12, 13], [14]);
    expect(await readRange(stream, range)).toEqual({ kind: 'read', records: [9, 10, 11, 12].map(record) });
    expect(stream.read).toBe(4);
  });

  it('ends where its last record would be, though that is no record of a change', async () => {
    expect(await readRange(streamOf([9, 11], [13]), range)).toEqual({
      kind: 'read',
      records: [9, 11].map(record),
    });
  });

  it.each([
    ['begins later than it should', streamOf([10, 11, 12])],
    ['begins earlier than it should', streamOf([1, 2], [9, 10, 11, 12])],
    ['is empty', streamOf([], [])],
    ['ends early', streamOf([9, 10])],
    ['is refused as trimmed', failing('TrimmedDataAccessException')],
    ['is of a shard that is gone', failing('ResourceNotFoundException')],
  ])('that %s is trimmed', async (_, stream) => {
    expect(await readRange(stream, range)).toEqual({ kind: 'trimmed' });
  });

  it('that fails otherwise fails', async () => {
    await expect(readRange(failing('ExpiredTokenException'), range)).rejects.toThrow('no');
  });

  it('that never ends is given up', async () => {
    const endless: Stream = {
      async *pages() {
        for (;;) yield [];
      },
    };
    await expect(readRange(endless, range)).rejects.toThrow('does not end within 1000 pages');
  });
});
