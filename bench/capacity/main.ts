// `npm run capacity`: what a load needs of AWS, which limit breaks first, what to ask for, and what it costs.
import { Command, InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import { defaultInputs, type Inputs } from './inputs.ts';
import { capacityOf } from './model.ts';
import { print } from './print.ts';

const from = (least: number, most = 1e12) => {
  return (value: string): number => {
    const number = Number(value);
    if (value.trim() !== '' && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It must be a number from ${least} to ${most}.`);
  };
};
const whole = (least: number, most = 1e12) => {
  const parse = from(least, most);
  return (value: string): number => {
    const number = parse(value);
    if (Number.isInteger(number)) return number;
    throw new InvalidArgumentError('It must be a whole number.');
  };
};
const share = from(0, 1);

type Options = Partial<Inputs> & { readonly json?: true };

const { messagesPerSecond, online } = defaultInputs;
const program = new Command('npm run capacity --')
  .description('Plans a load: units, partitions, hot keys, lag, concurrency, quotas and USD a month.')
  .option('--messages-per-second <count>', 'sent at the peak', from(0, 1e9), messagesPerSecond)
  .option('--online <count>', 'users connected at once', from(0, 1e10), online)
  .option('--users <count>', 'users in all (4 × online)', from(1, 1e11))
  .option('--conversations <count>', 'direct conversations that messages go to (2 × users)', from(1))
  .option('--groups <count>', 'groups that messages go to (users / 10)', from(1))
  .showHelpAfterError(false);

const more: readonly [flags: string, name: keyof Inputs, text: string, parse: (value: string) => number][] = [
  ['--peak-to-mean <ratio>', 'peakToMean', 'peak over the month’s mean', from(1, 1_000)],
  ['--devices <count>', 'devices', 'of each user', from(1, 100)],
  ['--recipients-online <share>', 'recipientsOnline', 'of those who get a message', share],
  ['--group-share <share>', 'groupShare', 'of the messages', share],
  ['--group-exponent <number>', 'groupExponent', 'of Zipf’s law for the sizes of groups', from(0, 10)],
  ['--smallest-group <members>', 'smallestGroup', 'at least', whole(2, 100_000)],
  ['--largest-group <members>', 'largestGroup', 'at most', whole(2, 100_000)],
  ['--looking <share>', 'looking', 'of the members of a large group', share],
  ['--activity-exponent <number>', 'activityExponent', 'of Zipf’s law for who is busy', from(0, 0.99)],
  ['--message-bytes <bytes>', 'messageBytes', 'of a message’s whole item', whole(1, 400_000)],
  ['--acknowledge-every <events>', 'acknowledgeEvery', 'of a device', from(1, 100_000)],
  ['--reads <share>', 'reads', 'of what arrives online: reported as read by a frame of its own', share],
  ['--notified <share>', 'notified', 'of what devices miss that are away: told by itself', share],
  ['--registered <share>', 'registered', 'of connected devices: for notifications', share],
  ['--write-fanout-limit <members>', 'writeFanoutLimit', 'the setting', whole(1, 10_000)],
  ['--recipients-per-invocation <count>', 'recipientsPerInvocation', 'the setting', whole(1, 5_000)],
  ['--heads-interval-seconds <s>', 'headsIntervalSeconds', 'the setting, in seconds', from(1, 900)],
  ['--parallelization <batches>', 'parallelization', 'of a shard at once', whole(1, 10)],
  ['--retention-days <days>', 'retentionDays', 'messages are kept', from(1, 36_500)],
  ['--connection-minutes <minutes>', 'connectionMinutes', 'that a connection lasts', from(0.1, 120)],
  [
    '--reconnect-minutes <minutes>',
    'reconnectMinutes',
    'in which all come back after an outage',
    from(0, 120),
  ],
  ['--heartbeat-seconds <s>', 'heartbeatSeconds', 'between pings of a device', from(1, 600)],
  ['--send-ms <ms>', 'sendMs', 'an invocation of send', from(1, 900_000)],
  ['--request-ms <ms>', 'requestMs', 'any other', from(1, 900_000)],
  ['--fan-out-ms <ms>', 'fanOutMs', 'a batch of fan-out', from(1, 60_000)],
  ['--recipient-ms <ms>', 'recipientMs', 'more for each of its recipients', from(0, 1_000)],
  ['--notify-ms <ms>', 'notifyMs', 'a full batch of notes, push services included', from(1, 20_000)],
  ['--quantile <share>', 'quantile', 'of the hottest keys', share],
  ['--trials <count>', 'trials', 'of chance', whole(1, 100_000)],
  ['--seed <number>', 'seed', 'of chance', whole(0, 2 ** 31)],
];
for (const [flags, name, text, parse] of more) program.option(flags, text, parse, defaultInputs[name]);
program.option('--json', 'print JSON');

function inputsOf(given: Partial<Inputs>): Inputs {
  const inputs = { ...defaultInputs, ...given };
  const users = given.users ?? Math.max(1, 4 * inputs.online);
  const conversations = given.conversations ?? 2 * users;
  const groups = given.groups ?? Math.max(1, Math.round(users / 10));
  if (users < inputs.online) throw new Error('--users must be at least --online');
  if (inputs.smallestGroup > inputs.largestGroup)
    throw new Error('--smallest-group must be at most --largest-group');
  return { ...inputs, users, conversations, groups };
}

try {
  const { json, ...given } = program.parse().opts<Options>();
  const report = capacityOf(inputsOf(given));
  process.stdout.write(json ? `${JSON.stringify(report, undefined, 2)}\n` : print(report));
} catch (error) {
  process.stderr.write(`${pc.red('error')} ${(error as Error).message}\n`);
  process.exitCode = 1;
}
