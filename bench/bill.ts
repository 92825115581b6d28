// From meters to money: pure arithmetic.
import type { MeteringSnapshot } from '../local/metering.ts';
import type { FunctionModel } from '../local/model.ts';
import { REQUESTS_A_MESSAGE } from './capacity/queues.ts';
import type { PriceList } from './prices.ts';

/** What was used of each thing that has a price, and for how many messages. */
export interface Usage {
  readonly messages: number;
  readonly gatewayMessagesIn: number;
  readonly gatewayMessagesOut: number;
  readonly connectionMinutes: number;
  readonly writeUnits: number;
  readonly readUnits: number;
  readonly invocations: number;
  readonly gigabyteSeconds: number;
  readonly queueRequests: number;
}

export interface BillLine {
  readonly item: string;
  readonly perMessage: number;
  readonly usdPerMillionMessages: number;
  /** Of the total, 0–1. */
  readonly share: number;
}

export interface Bill {
  readonly lines: readonly BillLine[];
  readonly usdPerMillionMessages: number;
}

/** @param lambdaMs what an invocation is taken to last: how long it took on this machine says little about Lambda. */
export function usageOf(
  metrics: MeteringSnapshot,
  functions: readonly Pick<FunctionModel, 'name' | 'memoryMb'>[],
  messages: number,
  lambdaMs: number,
): Usage {
  const { gateway, dynamodb, lambda, sqs } = metrics;
  let invocations = 0;
  let gigabyteSeconds = 0;
  for (const { name, memoryMb } of functions) {
    const count = lambda[name]?.invocations ?? 0;
    invocations += count;
    gigabyteSeconds += count * (memoryMb / 1024) * (Math.ceil(lambdaMs) / 1000);
  }
  const sent = Object.values(sqs.queues).reduce((total, queue) => total + queue.sent, 0);
  return {
    messages,
    gatewayMessagesIn: gateway.messageUnitsIn,
    gatewayMessagesOut: gateway.messageUnitsOut,
    connectionMinutes: gateway.connectionMinutes,
    writeUnits: dynamodb.writeUnits,
    readUnits: dynamodb.readUnits,
    invocations,
    gigabyteSeconds,
    // Not those that were received: a note may wait longer than the run lasts.
    queueRequests: REQUESTS_A_MESSAGE * sent,
  };
}

export function billOf(usage: Usage, prices: PriceList): Bill {
  const priced = [
    { item: 'Gateway messages in', amount: usage.gatewayMessagesIn, price: prices.gatewayMessage },
    { item: 'Gateway messages out', amount: usage.gatewayMessagesOut, price: prices.gatewayMessage },
    { item: 'Connection minutes', amount: usage.connectionMinutes, price: prices.connectionMinute },
    { item: 'DynamoDB write units', amount: usage.writeUnits, price: prices.writeUnit },
    { item: 'DynamoDB read units', amount: usage.readUnits, price: prices.readUnit },
    { item: 'Lambda invocations', amount: usage.invocations, price: prices.invocation },
    { item: 'Lambda GB-seconds', amount: usage.gigabyteSeconds, price: prices.gigabyteSecond },
    { item: 'SQS requests', amount: usage.queueRequests, price: prices.queueRequest },
  ].map(({ item, amount, price }) => {
    const perMessage = amount / usage.messages;
    return { item, perMessage, usdPerMillionMessages: perMessage * price.usd * 1e6 };
  });
  const usdPerMillionMessages = priced.reduce((total, line) => total + line.usdPerMillionMessages, 0);
  return {
    lines: priced.map((line) => ({
      ...line,
      share: usdPerMillionMessages === 0 ? 0 : line.usdPerMillionMessages / usdPerMillionMessages,
    })),
    usdPerMillionMessages,
  };
}
