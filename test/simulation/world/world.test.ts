// I1–I9 in a world of one process, whose seeds replay. More of them: npm run simulate
import { expect, test } from 'vitest';
import { loadClient } from '../load-client.ts';
import { report } from '../report.ts';
import { runWorld } from './run.ts';
import { regressions } from '../regressions.ts';
import { sequelOf } from '../sequels.ts';
import { sizeOf, wholeOf } from '../size.ts';
import { server } from './server.ts';

const parts = await loadClient();
const run = (seed: number, size = wholeOf(seed)) => runWorld({ seed, parts, server, size });

test('the same seed is the same history, to the byte', async () => {
  for (const seed of [1, 2, 7]) {
    expect(JSON.stringify(await run(seed))).toBe(JSON.stringify(await run(seed)));
  }
});

test(
  'forty storms: nothing lost, nothing twice, in order, and everybody sees the same',
  { timeout: 120_000 },
  async () => {
    let sent = 0;
    let changed = 0;
    let read = 0;
    let sentPlainly = 0;
    let kicked = 0;
    let poisoned = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const outcome = await run(seed);
      expect(outcome.violations, report(outcome)).toEqual([]);
      const { history } = outcome;
      sent += history.sent.filter(({ outcome: fate }) => fate === 'sent').length;
      changed += history.devices.flatMap(({ changes }) => changes).filter(({ doneAt }) => doneAt).length;
      kicked += history.devices.flatMap(({ journal }) => journal).filter((step) => 'kicked' in step).length;
      poisoned += history.poison.givenUp;
      sentPlainly += history.sent.filter(({ text }) => text.endsWith('plainly')).length;
      read += history.devices.flatMap(({ marked }) => marked).length;
    }
    // They did live.
    expect(sent).toBeGreaterThan(1_000);
    expect(changed).toBeGreaterThan(100);
    expect(read).toBeGreaterThan(100);
    expect(sentPlainly).toBeGreaterThan(50);
    expect(kicked).toBeGreaterThan(5);
    expect(poisoned).toBeGreaterThan(3);
  },
);

for (const { seed, found, sized, size } of regressions) {
  test(`seed ${seed} never again: ${found}`, async () => {
    const outcome = await run(seed, size ?? (sized && sizeOf({}, seed)));
    expect(outcome.violations, report(outcome)).toEqual([]);
  });
}

test('forty stories of the sizes that seeds have', { timeout: 120_000 }, async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const outcome = await run(seed, sizeOf({}, seed));
    expect(outcome.violations, report(outcome)).toEqual([]);
  }
});

for (const sequel of ['a month later', 'set up anew'] as const) {
  test(`five stories that go on, ${sequel}: who has to begin anew ends up with what there is`, async () => {
    const seeds = Array.from({ length: 200 }, (_, index) => index + 1).filter(
      (seed) => sequelOf(seed) === sequel,
    );
    let anew = 0;
    for (const seed of seeds.slice(0, 5)) {
      const outcome = await run(seed, sizeOf({}, seed));
      expect(outcome.violations, report(outcome)).toEqual([]);
      anew += outcome.history.devices.filter(({ journal }) => journal.some((step) => 'anew' in step)).length;
    }
    expect(anew).toBeGreaterThan(0);
  });
}
