// Reads what vitest wrote of its runs. `again FILE`: the test files of a run that failed, to be run once more. `count
// DIRECTORY`: what failed in the end, then how many tests passed and failed; NAME.again.json stands in for the files in it.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** More than so many files do not fail because a machine stood still for a moment. */
const MAX_AGAIN = 3;
const MAX_MESSAGE = 1_000;

const read = (file) => JSON.parse(readFileSync(file, 'utf8')).testResults;
const hasFailed = ({ status }) => status === 'failed';

const [command, path] = process.argv.slice(2);
if (command === 'again') {
  const failed = read(path).filter(hasFailed);
  if (failed.length <= MAX_AGAIN) for (const { name } of failed) console.log(name);
} else {
  const counts = { passed: 0, failed: 0 };
  for (const name of readdirSync(path).filter((file) => !file.endsWith('.again.json'))) {
    const run = name.slice(0, -'.json'.length);
    const second = join(path, `${run}.again.json`);
    const again = new Map((existsSync(second) ? read(second) : []).map((file) => [file.name, file]));
    for (const file of read(join(path, name))) {
      tell(again.has(file.name) ? 'FAILED AT FIRST' : 'FAILED', run, file);
      const last = again.get(file.name);
      if (last) tell('FAILED AGAIN', run, last);
      count(last ?? file, counts);
    }
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
}

function failedTests({ assertionResults }) {
  return assertionResults.filter(hasFailed);
}

/** Last of all, where whoever reads the end of a long log finds it. */
function tell(what, run, file) {
  if (!hasFailed(file)) return;
  const tests = failedTests(file).map(({ fullName, failureMessages }) => [fullName, failureMessages[0]]);
  for (const [test, message] of tests.length > 0 ? tests : [['does not load', file.message]])
    console.log(`${what} (${run}) ${file.name}: ${test}\n${(message ?? '').slice(0, MAX_MESSAGE)}`);
}

function count(file, counts) {
  counts.passed += file.assertionResults.filter(({ status }) => status === 'passed').length;
  // A file that does not load has no tests to count, and fails all the same.
  counts.failed += failedTests(file).length || (hasFailed(file) ? 1 : 0);
}
