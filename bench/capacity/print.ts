// The planner's report for people: tables of what is needed, what breaks first and what to set.
import pc from 'picocolors';
import { pressureOf, type Need } from './needs.ts';
import type { Report } from './model.ts';

export function print(report: Report): string {
  const { inputs, groups, tables, hottestKeys, fanOut, functions, queues, gateway, needs, bill } = report;
  return [
    `${whole(inputs.messagesPerSecond)} messages a second at the peak (${whole(inputs.messagesPerSecond / inputs.peakToMean)} mean), ` +
      `${whole(inputs.online)} of ${whole(inputs.users)} users online with ${inputs.devices} devices each; ${percent(inputs.groupShare)} of the`,
    `messages to groups of ${groups.meanMembers.toFixed(1)} members (mean; 1 in 100 has more than ${whole(groups.p99Members)}; ` +
      `${percent(groups.largeShare)} are pushed to who looks). Seed ${inputs.seed}.`,
    '',
    heading('Tables, a second at the peak'),
    row(['', 'write units', 'read units', 'GB', 'partitions', 'shards']),
    ...tables.map((one) =>
      row([
        one.table,
        whole(one.writeUnits),
        whole(one.readUnits),
        whole(one.gigabytes),
        whole(one.partitions),
        one.shards ? whole(one.shards) : '–',
      ]),
    ),
    '',
    heading(`Hottest items, write units a second (of 1,000 that one takes), in ${inputs.trials} trials`),
    row(['', 'median', `quantile ${inputs.quantile}`]),
    ...hottestKeys.map(({ key, median, quantile }) => row([key, whole(median), whole(quantile)])),
    '',
    heading('Fan-out: the stream of Messages'),
    row(['', 'busy', 'lag']),
    row(['a shard', percent(fanOut.shardLoad), lag(fanOut.lagMs)]),
    row(['the hottest shard', percent(fanOut.hottestShardLoad), lag(fanOut.hottestLagMs)]),
    ...(fanOut.hottestLagSecondsPerHour > 0
      ? [`  it falls behind by ${whole(fanOut.hottestLagSecondsPerHour)} s in each hour of the peak`]
      : []),
    `  batches of ${fanOut.batch.toFixed(1)} messages, ${whole(fanOut.batchesPerSecond)} a second, ${inputs.parallelization} of a shard at once`,
    '',
    heading('Functions, at the peak'),
    row(['', 'a second', 'at once', 's to scale']),
    ...functions.map((one) =>
      row([one.name, whole(one.invocationsPerSecond), whole(one.concurrency), whole(one.secondsToScale)]),
    ),
    '',
    heading('Queues, at the peak'),
    row(['', 'a second', 'at once', 'in flight']),
    ...queues.map((one) =>
      row([one.queue, whole(one.messagesPerSecond), whole(one.batchesAtOnce), whole(one.inFlight)]),
    ),
    '',
    heading('API Gateway'),
    `  ${whole(gateway.connections)} connections, ${whole(gateway.connectsPerSecond)} new ones a second${inputs.reconnectMinutes > 0 ? ' while all come back' : ''}; ${whole(gateway.framesInPerSecond)} frames in, ` +
      `${whole(gateway.answersPerSecond)} answers, ${whole(gateway.pushesPerSecond)} pushes a second`,
    '',
    heading('Limits, the tightest first'),
    row(['', 'default', 'needed', 'ask for']),
    ...needs.map((need) =>
      row([
        need.limit,
        amount(need.available),
        amount(need.needed),
        need.askFor ? whole(need.askFor) : pressureOf(need) > 1 ? 'see below' : '–',
      ]),
    ),
    '',
    heading('USD a month (us-east-1 list prices, mean load)'),
    ...bill.lines.map(({ item, usdPerMonth }) => row([item, whole(usdPerMonth)])),
    pc.bold(row(['Total', whole(bill.usdPerMonth)])),
    '',
    ...verdict(needs),
    '',
  ].join('\n');
}

function verdict(needs: readonly Need[]): string[] {
  const broken = needs.filter((need) => pressureOf(need) > 1);
  const [first] = needs;
  if (!first) return [];
  if (broken.length === 0) {
    const factor = (1 / pressureOf(first)).toFixed(1);
    return [`Nothing breaks. First would be: ${first.limit}, at ${factor} times what it takes here.`];
  }
  return [
    pc.bold(
      `What breaks first: ${first.limit}, at ${percent(1 / pressureOf(first))} of this load. Set, for this load:`,
    ),
    ...broken.map(({ limit, remedy }) => `  ${limit}: ${remedy}`),
  ];
}

const heading = (text: string) => pc.dim(text);
const whole = (value: number) => Math.ceil(value - 1e-9).toLocaleString('en-US');
const amount = (value: number) => (value < 10 && value > 0 ? value.toFixed(2) : whole(value));
const percent = (share: number) => `${(share * 100).toPrecision(2).replace(/\.0$/, '')} %`;
const lag = (ms: number) => (Number.isFinite(ms) ? `${whole(ms)} ms` : 'grows');

const FIRST_WIDTH = 62;
function row([first = '', ...rest]: readonly string[]): string {
  return `  ${first.padEnd(FIRST_WIDTH)}${rest.map((cell) => cell.padStart(14)).join('')}`;
}
