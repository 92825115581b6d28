// The stream API of a table whose stream is there, and keeps no record that anybody asks for.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const answers: Readonly<Record<string, object>> = {
  DescribeTable: { Table: { LatestStreamArn: 'arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/1' } },
};

// API_streams_GetShardIterator, Errors.
const trimmed = {
  __type: 'com.amazonaws.dynamodb.v20120810#TrimmedDataAccessException',
  message: 'The operation attempted to read past the oldest stream record in a shard.',
};

export async function startTrimmedStream(): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    request.resume();
    const answer = answers[String(request.headers['x-amz-target']).split('.')[1]!];
    response.writeHead(answer ? 200 : 400, { 'content-type': 'application/x-amz-json-1.0' });
    response.end(JSON.stringify(answer ?? trimmed));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
