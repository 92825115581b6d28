// `serverless-im-client/indexed-db`: local data in a browser.
export { IndexedDbStorage } from '../storage/indexed-db.ts';
