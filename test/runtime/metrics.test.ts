// Metrics as CloudWatch reads them from the log.
import { expect, test } from 'vitest';
import { line } from '../../src/runtime/metrics.ts';

test('a line names each metric with its unit, and has its value', () => {
  const written = JSON.parse(
    line(1_000, { Messages: 2, StoredToPushedMs: [40, 60] }, 'im-fan-out'),
  ) as object;
  expect(written).toEqual({
    _aws: {
      Timestamp: 1_000,
      CloudWatchMetrics: [
        {
          Namespace: 'serverless-im',
          Dimensions: [['FunctionName']],
          Metrics: [
            { Name: 'Messages', Unit: 'Count' },
            { Name: 'StoredToPushedMs', Unit: 'Milliseconds' },
          ],
        },
      ],
    },
    FunctionName: 'im-fan-out',
    Messages: [2],
    StoredToPushedMs: [40, 60],
  });
});

test('what has no value is not named, and of many there are a hundred', () => {
  const values = Array.from({ length: 150 }, (_, index) => index);
  const written = line(1_000, { Messages: values, StoredToPushedMs: [] }, 'im-fan-out');
  expect(JSON.parse(written)).toMatchObject({ Messages: values.slice(0, 100) });
  expect(written).not.toContain('StoredToPushedMs');
});
