// What AWS charges, once. Prices change: compare with the source before quoting a result.

export interface Price {
  readonly usd: number;
  /** What one of it is. */
  readonly unit: string;
  readonly source: string;
  /** When it was read there. */
  readonly asOf: string;
}

export type PriceList = Readonly<Record<keyof typeof prices, Price>>;

/** us-east-1, on demand, without free tiers and volume discounts. */
export const prices = {
  gatewayMessage: {
    // Beyond a billion a month, $0.80 per million.
    usd: 1.0e-6,
    unit: 'message, per 32 KB, in or out',
    source: 'https://aws.amazon.com/api-gateway/pricing',
    asOf: '2026-11',
  },
  connectionMinute: {
    usd: 0.25e-6,
    unit: 'minute that a connection is open',
    source: 'https://aws.amazon.com/api-gateway/pricing',
    asOf: '2026-11',
  },
  writeUnit: {
    usd: 0.625e-6,
    unit: 'write request unit, per 1 KB',
    source: 'https://aws.amazon.com/dynamodb/pricing/on-demand',
    asOf: '2026-11',
  },
  readUnit: {
    usd: 0.125e-6,
    unit: 'read request unit, per 4 KB; half of one when eventually consistent',
    source: 'https://aws.amazon.com/dynamodb/pricing/on-demand',
    asOf: '2026-11',
  },
  storedGigabyteMonth: {
    usd: 0.25,
    unit: 'GB stored in DynamoDB for a month',
    source: 'https://aws.amazon.com/dynamodb/pricing/on-demand',
    asOf: '2026-11',
  },
  invocation: {
    usd: 0.2e-6,
    unit: 'invocation',
    source: 'https://aws.amazon.com/lambda/pricing',
    asOf: '2026-11',
  },
  gigabyteSecond: {
    usd: 0.000_013_333_4,
    unit: 'GB-second on arm64, in whole milliseconds, init included',
    source: 'https://aws.amazon.com/lambda/pricing',
    asOf: '2026-11',
  },
  queueRequest: {
    // Beyond 100 billion a month, $0.30 per million.
    usd: 0.4e-6,
    unit: 'request to a standard queue, per 64 KB',
    source: 'https://aws.amazon.com/sqs/pricing',
    asOf: '2026-11',
  },
} as const satisfies Readonly<Record<string, Price>>;
