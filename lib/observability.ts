// Is it well, is it slow, what does it cost: a dashboard, and alarms that name the page of docs/runbook.md that helps.
import { Duration, Stack } from 'aws-cdk-lib';
import type { IWebSocketApi } from 'aws-cdk-lib/aws-apigatewayv2';
import {
  Alarm,
  ComparisonOperator,
  Dashboard,
  GraphWidget,
  MathExpression,
  Metric,
  TreatMissingData,
  type IMetric,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { FilterPattern } from 'aws-cdk-lib/aws-logs';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic, type ITopic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { tableDefinitions, type TableName } from '../src/core/tables.ts';
import type { Config } from './config.ts';
import { ImFunction } from './im-function.ts';
import type { Tables } from './tables.ts';

export interface ObservabilityProps {
  config: Config;
  tables: Tables;
  api: IWebSocketApi;
}

interface Threshold {
  above: number;
  /** Periods of five minutes in a row. */
  periods?: number;
}

const period = Duration.minutes(5);
/** As many metrics as the expression of an alarm takes. */
const METRICS_OF_AN_ALARM = 10;

/** Counted from what functions log, for it is rare: no function has to. */
export const loggedEvents = {
  VoidsFenced: { event: 'slot voided', functions: ['broadcast', 'changes', 'reading', 'send', 'service'] },
  StaleConnections: { event: 'connection gone', functions: ['fan-out', 'group-tasks'] },
} as const;

export class Observability extends Construct {
  private readonly topic: ITopic | undefined;

  /** To be made last: it watches what is in the stack by then. */
  constructor(scope: Construct, id: string, props: ObservabilityProps) {
    super(scope, id);
    const all = Stack.of(this).node.findAll();
    const functions = all.filter((each) => each instanceof ImFunction);
    const queues = all.filter((each) => each instanceof Queue);
    const named = (name: string) => functions.find(({ node }) => node.id === name)!;
    this.topic = this.makeTopic(props.config.alarmEmail);

    const { function: fanOut } = named('fan-out');
    const lateness = (fn: LambdaFunction) => fn.metric('IteratorAge', { statistic: 'Maximum', period });
    const iteratorAge = lateness(fanOut);
    this.alarm('FanOutIsLate', 'fan-out-is-late', iteratorAge, { above: 60_000 });
    const { function: waking } = named('wake-notifier');
    this.alarm('WakeNotifierIsLate', 'the-notifier-is-behind', lateness(waking), { above: 60_000 });
    // What an endpoint does not take is no error of the function.
    const telling = functions.find(({ node }) => node.id === 'after-send');
    if (telling)
      this.alarm('AfterSendIsLate', 'after-send-is-late', lateness(telling.function), { above: 300_000 });
    const sendP99 = named('send').function.metricDuration({ statistic: 'p99', period });
    this.alarm('SendingIsSlow', 'sending-is-slow', sendP99, { above: 1_000, periods: 3 });
    const errors = this.sums('FunctionsFail', 'functions-fail', functions, 'Errors');
    const throttles = this.sums('FunctionsAreThrottled', 'functions-are-throttled', functions, 'Throttles');

    const waiting = (queue: Queue) =>
      queue.metricApproximateNumberOfMessagesVisible({
        statistic: 'Maximum',
        period,
        label: nameOf(queue),
      });
    const givenUp = queues.filter((queue) => queue.deadLetterQueue === undefined);
    for (const queue of givenUp)
      this.alarm(`GivenUp${nameOf(queue)}`, 'something-was-given-up', waiting(queue), { above: 0 });
    const notes = queues.find((queue) => nameOf(queue) === 'Notifications')!;
    this.alarm('NotifierIsBehind', 'the-notifier-is-behind', waiting(notes), { above: 1_000, periods: 3 });

    const ours = (fn: ImFunction, metricName: string, statistic: string) =>
      new Metric({
        namespace: 'serverless-im',
        metricName,
        statistic,
        period,
        label: `${metricName} ${statistic}`,
        dimensionsMap: { FunctionName: fn.function.functionName },
      });
    const logged = Object.entries(loggedEvents).map(([metricName, { event, functions: names }]) => {
      for (const name of names) {
        named(name).logs.addMetricFilter(metricName, {
          metricNamespace: 'serverless-im',
          metricName,
          metricValue: '1',
          // By its words: before the JSON that a function logs, Lambda writes the time and the request.
          filterPattern: FilterPattern.allTerms(event),
        });
      }
      return new Metric({
        namespace: 'serverless-im',
        metricName,
        statistic: 'Sum',
        period,
        label: metricName,
      });
    });
    const graph = (title: string, ...left: IMetric[]) => new GraphWidget({ title, left, width: 8, period });
    const dashboard = new Dashboard(this, 'Dashboard', {
      dashboardName: `${Stack.of(this).stackName}-health`,
    });
    dashboard.addWidgets(
      graph('Well: errors and throttles', ...errors, ...throttles),
      graph('Well: given up', ...givenUp.map(waiting)),
      graph('Well: how late fan-out is (ms)', iteratorAge),
    );
    dashboard.addWidgets(
      graph(
        'Slow: send (ms)',
        named('send').function.metricDuration({ statistic: 'p50', period, label: 'p50' }),
        sendP99,
      ),
      graph(
        'Slow: stored to pushed (ms)',
        ...['p50', 'p99'].map((statistic) => ours(named('fan-out'), 'StoredToPushedMs', statistic)),
      ),
      graph('Slow: notes that wait', waiting(notes)),
    );
    const units = (metricName: string) =>
      (Object.keys(tableDefinitions) as TableName[]).map((table) =>
        props.tables.get(table).metric(metricName, { statistic: 'Sum', period, label: table }),
      );
    dashboard.addWidgets(
      graph(
        'Cost: messages, and frames of API Gateway',
        ours(named('fan-out'), 'Messages', 'Sum'),
        new Metric({
          namespace: 'AWS/ApiGateway',
          metricName: 'MessageCount',
          statistic: 'Sum',
          period,
          dimensionsMap: { ApiId: props.api.apiId, Stage: props.config.stage },
        }),
      ),
      graph('Cost: write units', ...units('ConsumedWriteCapacityUnits')),
      graph('Cost: read units', ...units('ConsumedReadCapacityUnits')),
    );
    dashboard.addWidgets(
      graph('Messages a batch of fan-out', ours(named('fan-out'), 'BatchSize', 'avg')),
      graph(
        'Notifications',
        ...['NotificationsSent', 'NotificationsFailed'].map((name) => ours(named('notify'), name, 'Sum')),
      ),
      graph('Holes that were fenced, connections that were gone', ...logged),
    );
  }

  private sums(
    id: string,
    page: string,
    functions: readonly ImFunction[],
    metric: 'Errors' | 'Throttles',
  ): IMetric[] {
    const sums: IMetric[] = [];
    for (let at = 0; at < functions.length; at += METRICS_OF_AN_ALARM) {
      const some = functions.slice(at, at + METRICS_OF_AN_ALARM);
      const usingMetrics = Object.fromEntries(
        some.map((each, index) => [
          `${metric.toLowerCase()}${at + index}`,
          each.function.metric(metric, { statistic: 'Sum', period }),
        ]),
      );
      const names = some.map(({ node }) => node.id).join(', ');
      const sum = new MathExpression({
        expression: `SUM([${Object.keys(usingMetrics).join()}])`,
        usingMetrics,
        period,
        label: `${metric} of ${names}`,
      });
      this.alarm(`${id}${sums.length + 1}`, page, sum, { above: 0, periods: 2 }, names);
      sums.push(sum);
    }
    return sums;
  }

  private alarm(id: string, page: string, metric: IMetric, { above, periods = 1 }: Threshold, of = ''): void {
    const alarm = new Alarm(this, id, {
      alarmDescription: `docs/runbook.md#${page}${of && ` (${of})`}`,
      metric,
      threshold: above,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: periods,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    if (this.topic) alarm.addAlarmAction(new SnsAction(this.topic));
  }

  private makeTopic(email: string | undefined): ITopic | undefined {
    if (email === undefined) return undefined;
    const topic = new Topic(this, 'Alarms', { enforceSSL: true });
    topic.addSubscription(new EmailSubscription(email));
    // A policy of its own takes the place of the one that lets the account's alarms in.
    topic.addToResourcePolicy(
      new PolicyStatement({
        actions: ['sns:Publish'],
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        resources: [topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
    return topic;
  }
}

/** As people read them: `Queue` is what a QueueSource calls its own. */
function nameOf({ node }: Queue): string {
  return node.id === 'Queue' ? node.scope!.node.id : node.id;
}
