// Secrets Manager: the secrets of the template, and the endpoint that tells them to functions.
import { startSecretsEndpoint, type SecretsEndpointOptions } from './endpoint.ts';
import { SecretStore, type SecretStoreOptions } from './store.ts';

export type SecretsOptions = SecretStoreOptions & Omit<SecretsEndpointOptions, 'store'>;

export interface Secrets {
  /** What functions are given for Secrets Manager. */
  readonly url: string;
  readonly store: Pick<SecretStore, 'find'>;
  close(): Promise<void>;
}

export async function startSecrets(options: SecretsOptions): Promise<Secrets> {
  const store = await SecretStore.open(options);
  const endpoint = await startSecretsEndpoint({ ...options, store });
  return { url: endpoint.url, store, close: () => endpoint.close() };
}
