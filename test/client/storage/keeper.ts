// A process that has a file storage open and does what it is told, line by line.
import { createInterface } from 'node:readline';
import type { ImError } from '../../../src/client/errors.ts';
import { FileStorage } from '../../../src/client/storage/file.ts';

const answer = (text: string) => process.stdout.write(`${text}\n`);
const refuse = (error: ImError) => answer(`${error.code}: ${error.message}`);

const [path = '', compactFromBytes] = process.argv.slice(2);
answer('awake');
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
// Two processes that are told to open at once do so without the time that each took to start.
await lines.next();
try {
  const options = compactFromBytes ? { compactFromBytes: Number(compactFromBytes) } : {};
  const storage = await FileStorage.open(path, options);
  answer('open');
  for await (const line of lines) {
    const [key = '', sizeBytes = '0'] = line.split(' ');
    if (key === 'close') break;
    await storage
      .commit([{ key, value: 'x'.repeat(Number(sizeBytes)) }])
      .then(() => answer('stored'), refuse);
  }
  await storage.close();
} catch (error) {
  refuse(error as ImError);
}
process.exit();
