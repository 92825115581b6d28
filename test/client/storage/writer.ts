// Writes to a file storage until it is killed, and says what was confirmed; for the crash test.
import { FileStorage } from '../../../src/client/storage/file.ts';

const [path = '', last = '0'] = process.argv.slice(2);
const storage = await FileStorage.open(path, { compactFromBytes: 500 });
const keyOf = (n: number) => `message/${String(n).padStart(6, '0')}`;
for (let n = Number(last) + 1; ; n++) {
  await storage.commit([
    { key: 'position', value: n },
    { key: keyOf(n), value: n },
    { key: keyOf(n - 10), value: undefined },
  ]);
  process.stdout.write(`${n}\n`);
}
