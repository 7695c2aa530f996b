import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { judgeOutcomes, readGaps, runDirectory } from '../testkit/promqltest.ts';

const root = join(import.meta.dirname, '../..');
const directory = join(root, '../shared/promqltest');
const skip = existsSync(directory)
  ? false
  : 'needs ../shared/promqltest, scripts of Prometheus’ own PromQL tests';

test('Prometheus’ own PromQL tests pass, but for the known gaps', { skip }, async () => {
  const gaps = readGaps(join(import.meta.dirname, 'known-gaps.txt'));
  const { broken, outdated } = judgeOutcomes(await runDirectory(directory), gaps);
  const shown = broken.map(({ name, query, fault }) => `${name} ${query}: ${fault}`);
  assert.deepEqual(shown, []);
  assert.deepEqual(outdated, []);
});
