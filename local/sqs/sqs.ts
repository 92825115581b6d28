// SQS: the queues of the template, and the endpoint that functions send to.
import { startSqsEndpoint, type SqsEndpointOptions } from './endpoint.ts';
import { Queues, type QueuesOptions } from './queues.ts';

export type SqsOptions = QueuesOptions & Omit<SqsEndpointOptions, 'queues'>;

export interface Sqs {
  /** What functions are given for SQS. */
  readonly url: string;
  readonly queues: Queues;
  /** Resolves when what is to be kept is kept. */
  close(): Promise<void>;
}

export async function startSqs(options: SqsOptions): Promise<Sqs> {
  const queues = await Queues.open(options);
  const endpoint = await startSqsEndpoint({ ...options, queues });
  return {
    url: endpoint.url,
    queues,
    async close() {
      await endpoint.close();
      await queues.flush();
    },
  };
}
