// `serverless-im-client/react`: hooks over a client.
export * from '../react/hooks.ts';
