// `serverless-im-client/service`: the service API, for the app's own backend on Node.
export { ServiceError, type ServiceErrorCode } from '../service/errors.ts';
export {
  createServiceClient,
  type CallOptions,
  type ServiceAnswer,
  type ServiceClient,
  type ServiceClientOptions,
  type ServiceRequest,
} from '../service/service-client.ts';
export type { Credentials } from '../service/sign.ts';
