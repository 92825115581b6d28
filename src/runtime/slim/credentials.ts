// The SDK's credential provider for Lambda: the environment, and nothing else. Bundled in place of the SDK's own chain.
import { fromEnv } from '@aws-sdk/credential-provider-env';

export const defaultProvider = () => fromEnv();
