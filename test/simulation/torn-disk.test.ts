import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRandom } from '../../local/faults/random.ts';
import type { Change, Storage } from '../../src/client/storage/storage.ts';
import { storageContract } from '../client/storage/contract.ts';
import { TornDisk } from './torn-disk.ts';

const diskOf = (seed: number, wait: () => Promise<void>, kept: Change[] = []) =>
  new TornDisk({
    wait,
    random: createRandom(seed, 'disk'),
    onKept: (changes) => kept.push(...changes),
  });

describe('the model of a disk', () => {
  const disks = new Map<string, TornDisk>();
  const open = async (name: string) => {
    const disk = disks.get(name) ?? diskOf(1, async () => {});
    disks.set(name, disk);
    return disk.open();
  };
  storageContract({ open, durable: true }, 200);
});

test('of a batch that was being written when the device died all is there or nothing, and nothing of those behind it', async () => {
  const left = new Set<number>();
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 6 }), async (seed, batches) => {
      let isSlow = false;
      const disk = diskOf(seed, () => (isSlow ? new Promise(() => {}) : Promise.resolve()));
      const before = disk.open();
      await before.commit([{ key: 'acknowledged', value: 1 }]);
      isSlow = true;
      for (let n = 1; n <= batches; n++) {
        void before.commit([
          { key: `a${n}`, value: 'x'.repeat(n) },
          { key: `b${n}`, value: n },
        ]);
      }
      before.die();
      isSlow = false;
      const after = disk.open();
      const keys = await keysOf(after);
      const whole = (keys.length - 1) / 2;
      // The first was under way, and the others waited for it.
      expect(whole === 0 || whole === 1).toBe(true);
      const expected = Array.from({ length: whole }, (_, n) => [`a${n + 1}`, `b${n + 1}`]).flat();
      expect(keys.toSorted()).toEqual(['acknowledged', ...expected].toSorted());
      left.add(whole);
      // What comes next stands behind what is sound.
      await after.commit([{ key: 'next', value: 1 }]);
      after.die();
      expect(await keysOf(disk.open())).toContain('next');
    }),
    { numRuns: 200, seed: 3 },
  );
  expect(left).toEqual(new Set([0, 1]));
});

async function keysOf(storage: Storage): Promise<string[]> {
  return (await storage.list({ from: '', to: '\uffff' })).map(({ key }) => key);
}
