import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually, RunningProgram, series, Xscaler } from './harness/index.ts';

const MAIN = join(import.meta.dirname, '../services/all/main.ts');

/** Of what is written most is in blocks a few seconds later. */
const SHORT_WINDOWS = {
  XSCALER_INGESTER_HEAD_WINDOW: '1s',
  XSCALER_INGESTER_CUT_GRACE: '200ms',
  XSCALER_INGESTER_LATE_HEAD_AGE: '500ms',
  XSCALER_WRITE_LOG_PARTITIONS: '1',
  XSCALER_SELF_METRICS_ENABLED: 'false',
};

test('a machine whose log file is gone says so, and goes on without it once its operator has accepted that', async (t) => {
  const xscaler = await Xscaler.start({ env: SHORT_WINDOWS });
  t.after(() => xscaler.dispose());
  const nowMs = Date.now();
  const push = (name: string) => xscaler.client().push([series({ __name__: name }, [[Date.now(), 1]])]);
  assert.equal((await push('before')).status, 204);
  await eventually('it is in a block', 30_000, async () => {
    // A later sample has the window of the first cut.
    await push('later');
    return (await xscaler.client().ownMetric('xscaler_ingester_head_commit_seconds_count')) > 1
      ? true
      : undefined;
  });
  await xscaler.stop();
  for (const suffix of ['', '-wal', '-shm']) {
    rmSync(join(xscaler.dataDir, `write-log.sqlite${suffix}`), { force: true });
  }

  const refused = xscaler.spawn();
  const { code } = await refused.exited;
  assert.notEqual(code, 0);
  assert.match(refused.output, /the log is not the one that blocks were created from: its identity is/);

  const args = ['--disable-warning=ExperimentalWarning', MAIN, 'log', 'accept-loss', '--partition', '0'];
  const environment = { ...SHORT_WINDOWS, XSCALER_DATA_DIR: xscaler.dataDir };
  const command = new RunningProgram(process.execPath, args, environment);
  assert.equal((await command.exited).code, 0, command.output);
  assert.match(command.stdout, /the log is another one: .*; it resumes at 0/);

  await xscaler.start();
  assert.equal((await push('after')).status, 204);
  for (const name of ['before', 'after']) {
    const found = await xscaler.client().samples(name, Date.now(), Date.now() - nowMs + 60_000);
    assert.equal(found.length, 1, name);
  }
});
