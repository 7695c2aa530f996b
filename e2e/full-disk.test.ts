import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  type Answer,
  type Client,
  eventually,
  Random,
  series,
  type TimeSeries,
  Xscaler,
} from './harness/index.ts';

/** No file may grow beyond it: writes fail then as on a full disk. */
const MAX_FILE_BYTES = 12 * 1024 * 1024;
const SERIES = 200;
const SAMPLES = 50;
const MAX_WRITES = 400;

let xscaler: Xscaler;
let client: Client;
let acknowledged = 0;
let refused: Answer | undefined;

/** Values that don't compress. */
function batch(random: Random, timeMs: number): TimeSeries[] {
  return Array.from({ length: SERIES }, (_, number) =>
    series(
      { __name__: 'heavy', number: String(number) },
      Array.from({ length: SAMPLES }, (_, i) => [timeMs + i, random.next()] as const),
    ),
  );
}

async function readyPage(): Promise<Answer> {
  return client.raw('/-/ready');
}

describe('a full disk', { concurrency: false }, () => {
  before(async () => {
    const env = { XSCALER_SELF_METRICS_ENABLED: 'false' };
    xscaler = await Xscaler.start({ env, maxFileBytes: MAX_FILE_BYTES });
    client = xscaler.client();
  });

  after(() => xscaler?.dispose());

  test('writes are refused for now, and nothing that was acknowledged is lost', async () => {
    const { status, text } = await readyPage();
    assert.deepEqual([status, text], [200, 'ready\n']);
    const random = new Random(1);
    const startMs = Date.now() - 3_600_000;
    while (refused === undefined && acknowledged < MAX_WRITES) {
      const answer = await client.push(batch(random, startMs + acknowledged * SAMPLES));
      if (answer.status === 204) acknowledged++;
      else refused = answer;
    }
    assert.equal(refused?.status, 503, `${acknowledged} writes were taken, then: ${refused?.text}`);
    assert.match(String(refused?.headers['retry-after']), /^\d+$/);
    const count = await client.value('sum(count_over_time(heavy[2h]))');
    // The refused write may be there: it was not acknowledged, so that does no harm.
    const written = (count ?? 0) / (SERIES * SAMPLES);
    assert.ok(written === acknowledged || written === acknowledged + 1, `${written} of ${acknowledged}`);
  });

  test('the process stays ready for reads, and says that and why it refuses writes', async () => {
    const page = await eventually('it says so', 5_000, async () => {
      const answer = await readyPage();
      return answer.text.includes('refused') ? answer : undefined;
    });
    assert.equal(page.status, 200);
    assert.match(
      page.text,
      /^ready\nwarning: writes: writes are refused: the write log rejects records of partition 0: .*disk/,
    );
    assert.equal((await client.get('/api/v1/labels')).status, 200);
  });
});
