// What only developers have, under /dev/: the page and what it shows, tokens, meters, faults, queues and redrive.
import type { RequestListener } from 'node:http';
import { createDevEndpoints, type DevEndpointsOptions } from './endpoints.ts';
import { createDevStateReader, type DevStateSources } from './state-reader.ts';

export type DevOptions = Omit<DevEndpointsOptions, 'readState' | 'describe'> &
  Omit<DevStateSources, 'startedAt'> & { readonly port: number };

export function createDev(options: DevOptions): RequestListener {
  const { model, database, port } = options;
  return createDevEndpoints({
    ...options,
    readState: createDevStateReader({ ...options, startedAt: Date.now() }),
    describe: () => ({ stack: model.stackName, database, port }),
  });
}
