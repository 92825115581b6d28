// `serverless-im-client/tabs`: one device in all tabs of an app.
export { SharedClient, type SharedOptions } from '../tabs/shared-client.ts';
