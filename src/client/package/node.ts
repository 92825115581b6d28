// `serverless-im-client/node`: the same on Node, with `ws` and local data in a file.
export { connect, open, NodeWebSocket } from '../node.ts';
export { FileStorage } from '../storage/file.ts';
