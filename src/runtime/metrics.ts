// Metrics in CloudWatch's embedded format: a line of JSON on standard output, which costs no request. Past console, which
// would put a time and an id before it.

/** Beyond this CloudWatch takes no more values of a metric in one line. */
const MOST_VALUES = 100;

export type Metrics = Readonly<Record<string, number | readonly number[]>>;
export type Emit = (at: number, metrics: Metrics) => void;

/** Durations by the end of their names. None is emitted that has no value; and nothing where no function runs. */
export const emit: Emit = (at, metrics) => {
  const functionName = process.env['AWS_LAMBDA_FUNCTION_NAME'];
  if (functionName !== undefined) process.stdout.write(`${line(at, metrics, functionName)}\n`);
};

export function line(at: number, metrics: Metrics, functionName: string): string {
  const values = Object.entries(metrics)
    .map(([name, value]) => [name, [value].flat().slice(0, MOST_VALUES)] as const)
    .filter(([, each]) => each.length > 0);
  return JSON.stringify({
    _aws: {
      Timestamp: at,
      CloudWatchMetrics: [
        {
          Namespace: 'serverless-im',
          Dimensions: [['FunctionName']],
          Metrics: values.map(([Name]) => ({ Name, Unit: Name.endsWith('Ms') ? 'Milliseconds' : 'Count' })),
        },
      ],
    },
    FunctionName: functionName,
    ...Object.fromEntries(values),
  });
}
