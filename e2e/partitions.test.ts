import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Client, eventually, type RunningProgram, series, Xscaler } from './harness/index.ts';

const SERIES = 40;
/** Writers obey ten seconds after the start that has another number. */
const OBEYED_WITHIN_MS = 40_000;

/** Where the heads of each partition have come to, by the program's own metrics. */
async function nextOffsets(client: Client): Promise<Map<number, number>> {
  const { text } = await client.raw('/metrics');
  const found = text.matchAll(/^xscaler_ingester_next_offset\{.*partition="(\d+)".*\} (\d+)$/gm);
  return new Map([...found].map(([, partition, offset]) => [Number(partition), Number(offset)]));
}

test('the embedded log may have more partitions at a start, and fewer: nothing is lost, none is given up', async (t) => {
  const xscaler = await Xscaler.create();
  let program: RunningProgram | undefined;
  t.after(async () => {
    await program?.end('SIGKILL');
    await xscaler.dispose();
  });
  const startMs = Date.now() - 3_600_000;
  let written = 0;
  const write = async (client: Client) => {
    const timeMs = startMs + 1_000 * written++;
    const all = Array.from({ length: SERIES }, (_, i) =>
      series({ __name__: 'kept', number: String(i) }, [[timeMs, i + written]]),
    );
    assert.equal((await client.push(all)).status, 204);
  };
  const assertAllThere = async (client: Client) => {
    const found = await client.samples('kept', startMs + 1_000 * written, 3_600_000);
    assert.equal(found.length, SERIES);
    for (const { metric, values } of found) {
      const wanted = Array.from({ length: written }, (_, i) => String(Number(metric.number) + i + 1));
      assert.deepEqual(
        values.map(([, value]) => value),
        wanted,
      );
    }
  };

  for (const [wanted, all] of [
    [1, 1],
    [3, 3],
    [2, 3],
  ]) {
    program = xscaler.spawn({ XSCALER_WRITE_LOG_PARTITIONS: String(wanted) });
    await program.untilReady(`${xscaler.url}/-/ready`, 60_000);
    const client = xscaler.client();
    await eventually(`samples go to ${wanted} partitions`, OBEYED_WITHIN_MS, async () => {
      const before = await nextOffsets(client);
      await write(client);
      await assertAllThere(client);
      const after = await nextOffsets(client);
      assert.equal(after.size, all);
      const grown = [...after].filter(([partition, offset]) => offset > (before.get(partition) ?? 0));
      return grown.length === wanted && grown.every(([partition]) => partition < wanted) ? true : undefined;
    });
    await assertAllThere(client);
    assert.equal((await program.end('SIGTERM')).code, 0);
  }
});
