import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { COMPARED_QUERIES } from './compare-queries.ts';
import { differenceOf, labelsKey } from './harness/answers.ts';
import {
  type Client,
  dataOf,
  eventually,
  Prometheus,
  type QueryData,
  type RunningProgram,
  remoteWriteSection,
  ScriptedTarget,
  sleep,
  startNodeExporter,
  Xscaler,
} from './harness/index.ts';

/** How long the Prometheus scrapes and writes before anything is asked. */
const WRITING_MS = Number(process.env.XSCALER_E2E_WRITING_MS ?? 150_000);
const SCRAPE_INTERVAL_MS = 2_000;
/** Longest range with its offset: no query looks back to before the first scrape. */
const LONGEST_LOOKBACK_MS = 50_000;
const STEP_MS = 3_000;
const JOBS = '{job=~"node|prometheus|scripted"}';
/** Without its own metrics, which get new series from what the tests ask: it lists labels by block, not by time. */
const STEADY_JOBS = '{job=~"node|scripted"}';

/** Of what is asked for, most is in blocks and the rest in heads. */
const SHORT_WINDOWS = {
  XSCALER_INGESTER_HEAD_WINDOW: '20s',
  XSCALER_INGESTER_CUT_GRACE: '3s',
  XSCALER_INGESTER_COMMITTED_HEAD_LINGER: '1s',
  XSCALER_WRITE_LOG_PARTITIONS: '2',
};

let xscaler: Xscaler;
let prometheus: Prometheus;
let scripted: ScriptedTarget;
let nodeExporter: RunningProgram;
let ours: Client;
let theirs: Client;
let startMs: number;
let endMs: number;

before(async () => {
  xscaler = await Xscaler.start({ env: SHORT_WINDOWS });
  scripted = await ScriptedTarget.start();
  const node = await startNodeExporter();
  nodeExporter = node.program;
  prometheus = await Prometheus.start({
    targets: { node: node.target, scripted: scripted.target },
    scrapeIntervalMs: SCRAPE_INTERVAL_MS,
    remoteWrite: remoteWriteSection(xscaler.url, xscaler.tenant, xscaler.token),
  });
  ours = xscaler.client();
  theirs = prometheus.client();
  const beganMs = Date.now();
  await sleep(WRITING_MS);
  // All that was scraped until here has arrived once a later scrape of every job has.
  const untilMs = Date.now() - 2 * SCRAPE_INTERVAL_MS;
  await eventually('everything scraped has arrived', 60_000, async () => {
    const arrived = await ours.value(`count(timestamp(up${JOBS}) > ${untilMs / 1000})`);
    return arrived === 3 ? true : undefined;
  });
  const phaseMs = await quietPhase(beganMs, untilMs);
  endMs = Math.floor(untilMs / 1000) * 1000 - 4_000 + phaseMs;
  startMs = endMs - Math.floor((endMs - beganMs - LONGEST_LOOKBACK_MS - 8_000) / STEP_MS) * STEP_MS;
});

after(async () => {
  await prometheus?.dispose();
  scripted?.dispose();
  await nodeExporter?.end('SIGKILL');
  await xscaler?.dispose();
});

/**
 * Milliseconds within the second, farthest from those of every scrape. Prometheus 2 counts a sample at a range's
 * left end in, Prometheus 3 doesn't: with steps, ranges and offsets of whole seconds no sample stands there.
 */
async function quietPhase(fromMs: number, toMs: number): Promise<number> {
  const taken = new Set<number>();
  for (const { values } of await theirs.samples(`up${JOBS}`, toMs, toMs - fromMs))
    for (const [time] of values) taken.add(Math.round(time * 1000) % 1000);
  let best = { phaseMs: 0, distanceMs: -1 };
  for (let phaseMs = 0; phaseMs < 1000; phaseMs++) {
    const distances = [...taken].map((at) => Math.min(Math.abs(at - phaseMs), 1000 - Math.abs(at - phaseMs)));
    const distanceMs = Math.min(...distances);
    if (distanceMs > best.distanceMs) best = { phaseMs, distanceMs };
  }
  return best.phaseMs;
}

async function outcome(asked: Promise<QueryData>): Promise<QueryData | string> {
  return asked.catch((error: Error) => `refused: ${error.message}`);
}

/** @returns how many series answered */
async function assertSame(
  ask: (client: Client) => Promise<QueryData>,
  absolute: number,
  ordered: boolean,
): Promise<number> {
  const [expected, actual] = await Promise.all([outcome(ask(theirs)), outcome(ask(ours))]);
  assert.ok(typeof expected !== 'string', `the reference ${expected}`);
  assert.ok(typeof actual !== 'string', `${actual}`);
  assert.equal(differenceOf(expected, actual, { relative: 1e-12, absolute }, ordered), undefined);
  return expected.result.length;
}

describe('what a Prometheus wrote here it reads back as from itself', { concurrency: false }, () => {
  for (const { query, absolute = 0, ordered = false, empty = false } of COMPARED_QUERIES) {
    test(`instant: ${query}`, async () => {
      const middleMs = startMs + Math.floor((endMs - startMs) / 2 / STEP_MS) * STEP_MS;
      for (const timeMs of [startMs, middleMs, endMs])
        await assertSame((client) => client.query(query, timeMs), absolute, ordered);
    });
    test(`range: ${query}`, async () => {
      const seriesCount = await assertSame(
        (client) => client.queryRange(query, startMs, endMs, STEP_MS),
        absolute,
        false,
      );
      assert.equal(seriesCount === 0, empty, `${seriesCount} series answer`);
    });
  }

  test('most of it came from blocks', async () => {
    assert.ok((await ours.ownMetric('xscaler_ingester_head_commit_seconds_count')) > 4);
  });

  test('raw samples, to the bit', async () => {
    for (const metric of ['scripted_odd', 'scripted_visitor', 'node_cpu_seconds_total{job="node"}'])
      await assertSame((client) => client.query(`${metric}[${endMs - startMs}ms]`, endMs), 0, false);
  });
});

describe('what there is', { concurrency: false }, () => {
  const both = async <T>(path: string, params: Record<string, string | string[]> = {}): Promise<[T, T]> => {
    const times = { start: String(startMs / 1000), end: String(endMs / 1000) };
    const all = { ...times, ...params };
    return [dataOf<T>(await theirs.get(path, all)), dataOf<T>(await ours.get(path, all))];
  };

  test('label names', async () => {
    for (const match of [STEADY_JOBS, 'scripted_wave', '{job="node",__name__=~"node_(disk|network).+"}']) {
      const [expected, actual] = await both<string[]>('/api/v1/labels', { 'match[]': match });
      assert.deepEqual(actual, expected);
    }
  });

  test('label values', async () => {
    for (const label of ['__name__', 'mode', 'device', 'value', 'le', 'nothing']) {
      const [expected, actual] = await both<string[]>(`/api/v1/label/${label}/values`, {
        'match[]': STEADY_JOBS,
      });
      assert.deepEqual(actual, expected, label);
    }
  });

  test('series', async () => {
    for (const matches of [
      ['scripted_text'],
      ['{job="node"}'],
      ['scripted_wave', '{job="scripted",zone="z1"}'],
    ]) {
      const [expected, actual] = await both<Record<string, string>[]>('/api/v1/series', {
        'match[]': matches,
      });
      assert.deepEqual(actual.map(labelsKey).sort(), expected.map(labelsKey).sort());
    }
  });

  test('metadata', async () => {
    type Metadata = Record<string, { type: string; help: string; unit: string }[]>;
    const expected = dataOf<Metadata>(await theirs.get('/api/v1/metadata'));
    // It is sent on a timer of its own, and says what the targets said last.
    await eventually('metadata of every metric', 30_000, async () => {
      const actual = dataOf<Metadata>(await ours.get('/api/v1/metadata'));
      return Object.keys(expected).every((metric) => actual[metric]) || undefined;
    });
    const actual = dataOf<Metadata>(await ours.get('/api/v1/metadata'));
    for (const [metric, possible] of Object.entries(expected)) {
      const told = actual[metric].map((each) => JSON.stringify(each));
      const known = possible.map(({ type, help, unit }) => JSON.stringify({ type, help, unit }));
      assert.ok(
        told.length > 0 && told.every((each) => known.includes(each)),
        `${metric}: ${told} of ${known}`,
      );
    }
  });

  test('the other prefix and POST answer the same', async () => {
    const params = { query: 'scripted_wave', time: endMs / 1000 };
    const expected = dataOf<QueryData>(await ours.get('/api/v1/query', params));
    for (const answer of [
      await ours.get('/prometheus/api/v1/query', params),
      await ours.post('/api/v1/query', params),
      await ours.post('/prometheus/api/v1/query', params),
    ])
      assert.deepEqual(dataOf<QueryData>(answer), expected);
  });
});
