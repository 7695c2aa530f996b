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
} from './harness/index.ts';

const SCRAPE_INTERVAL_MS = 2_000;
/** Longest range with its offset: no query looks back to before the first scrape. */
const LONGEST_LOOKBACK_MS = 50_000;
const STEP_MS = 3_000;
const JOBS = '{job=~"node|prometheus|scripted"}';
/**
 * Without what gets new series while the tests ask, since Prometheus lists labels by block, not by time: its own metrics,
 * and network devices of containers.
 */
const NO_CONTAINERS = 'device!~"(veth|podman|docker|br-|cni).*"';
const STEADY_JOBS = `{job=~"node|scripted",${NO_CONTAINERS}}`;

/** What is compared: our server, started with one tenant, and settings under which most of a test's samples get into blocks. */
export interface Compared {
  readonly client: Client;
  readonly url: string;
  /** Heads that became blocks. */
  committedHeads(): Promise<number>;
  dispose(): Promise<void>;
}

export interface ComparisonOptions {
  readonly start: () => Promise<Compared>;
  /** How long the Prometheus scrapes and writes before anything is asked. */
  readonly writingMs: number;
  readonly skip?: string | false;
}

/** Windows of which most are over when a test asks. */
export const SHORT_WINDOWS = {
  XSCALER_INGESTER_HEAD_WINDOW: '20s',
  XSCALER_INGESTER_CUT_GRACE: '3s',
  XSCALER_INGESTER_COMMITTED_HEAD_LINGER: '1s',
};

/** A Prometheus that has scraped for a while and written all of it to the server it is compared with. */
class Comparison {
  readonly ours: Client;
  readonly theirs: Client;
  readonly compared: Compared;
  /** What may be asked: from the first to the last step, no scrape at the edge of a range. */
  readonly startMs: number;
  readonly endMs: number;
  readonly #peers: Peers;

  private constructor(compared: Compared, peers: Peers, startMs: number, endMs: number) {
    this.compared = compared;
    this.ours = compared.client;
    this.theirs = peers.prometheus.client();
    this.startMs = startMs;
    this.endMs = endMs;
    this.#peers = peers;
  }

  static async start({ start, writingMs }: ComparisonOptions): Promise<Comparison> {
    const compared = await start();
    const peers = await startPeers(compared);
    try {
      const beganMs = Date.now();
      await sleep(writingMs);
      const untilMs = await arrivedUntil(compared.client);
      const phaseMs = await quietPhase(peers.prometheus.client(), beganMs, untilMs);
      const endMs = Math.floor(untilMs / 1000) * 1000 - 4_000 + phaseMs;
      const steps = Math.floor((endMs - beganMs - LONGEST_LOOKBACK_MS - 8_000) / STEP_MS);
      return new Comparison(compared, peers, endMs - steps * STEP_MS, endMs);
    } catch (error) {
      await disposeOf(compared, peers);
      throw error;
    }
  }

  /** @returns how many series answered */
  async assertSame(
    ask: (client: Client) => Promise<QueryData>,
    absolute: number,
    ordered: boolean,
  ): Promise<number> {
    const [expected, actual] = await Promise.all([outcome(ask(this.theirs)), outcome(ask(this.ours))]);
    assert.ok(typeof expected !== 'string', `the reference ${expected}`);
    assert.ok(typeof actual !== 'string', `${actual}`);
    assert.equal(differenceOf(expected, actual, { relative: 1e-12, absolute }, ordered), undefined);
    return expected.result.length;
  }

  /** The same of both, theirs first. */
  async both<T>(path: string, params: Record<string, string | string[]> = {}): Promise<[T, T]> {
    const times = { start: String(this.startMs / 1000), end: String(this.endMs / 1000) };
    const all = { ...times, ...params };
    return [dataOf<T>(await this.theirs.get(path, all)), dataOf<T>(await this.ours.get(path, all))];
  }

  dispose(): Promise<void> {
    return disposeOf(this.compared, this.#peers);
  }
}

interface Peers {
  readonly prometheus: Prometheus;
  readonly scripted: ScriptedTarget;
  readonly nodeExporter: RunningProgram;
}

async function startPeers({ url, client }: Compared): Promise<Peers> {
  const scripted = await ScriptedTarget.start();
  const node = await startNodeExporter();
  const prometheus = await Prometheus.start({
    targets: { node: node.target, scripted: scripted.target },
    scrapeIntervalMs: SCRAPE_INTERVAL_MS,
    remoteWrite: remoteWriteSection(url, client.tenant, client.token),
  });
  return { prometheus, scripted, nodeExporter: node.program };
}

async function disposeOf(compared: Compared, { prometheus, scripted, nodeExporter }: Peers): Promise<void> {
  await prometheus.dispose();
  scripted.dispose();
  await nodeExporter.end('SIGKILL');
  await compared.dispose();
}

/** A time up to which all that was scraped has arrived: a later scrape of every job has. */
async function arrivedUntil(ours: Client): Promise<number> {
  const untilMs = Date.now() - 2 * SCRAPE_INTERVAL_MS;
  await eventually('everything scraped has arrived', 60_000, async () => {
    const arrived = await ours.value(`count(timestamp(up${JOBS}) > ${untilMs / 1000})`);
    return arrived === 3 ? true : undefined;
  });
  return untilMs;
}

/**
 * Milliseconds within the second, farthest from those of every scrape. Prometheus 2 counts a sample at a range's
 * left end in, Prometheus 3 doesn't: with steps, ranges and offsets of whole seconds no sample stands there.
 */
async function quietPhase(theirs: Client, fromMs: number, toMs: number): Promise<number> {
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

/** The tests of a comparison: what a real Prometheus wrote reads back as from itself. */
export function compareWithPrometheus(options: ComparisonOptions): void {
  describe('beside a Prometheus', { concurrency: false, skip: options.skip ?? false }, () => {
    let comparison: Comparison;
    before(async () => {
      comparison = await Comparison.start(options);
    });
    after(() => comparison?.dispose());

    describe('what a Prometheus wrote here it reads back as from itself', { concurrency: false }, () => {
      for (const { query, absolute = 0, ordered = false, empty = false } of COMPARED_QUERIES) {
        test(`instant: ${query}`, async () => {
          const middleMs =
            comparison.startMs + Math.floor((comparison.endMs - comparison.startMs) / 2 / STEP_MS) * STEP_MS;
          for (const timeMs of [comparison.startMs, middleMs, comparison.endMs])
            await comparison.assertSame((client) => client.query(query, timeMs), absolute, ordered);
        });
        test(`range: ${query}`, async () => {
          const seriesCount = await comparison.assertSame(
            (client) => client.queryRange(query, comparison.startMs, comparison.endMs, STEP_MS),
            absolute,
            false,
          );
          assert.equal(seriesCount === 0, empty, `${seriesCount} series answer`);
        });
      }

      test('most of it came from blocks', async () => {
        assert.ok((await comparison.compared.committedHeads()) > 4);
      });

      test('raw samples, to the bit', async () => {
        for (const metric of ['scripted_odd', 'scripted_visitor', 'node_cpu_seconds_total{job="node"}'])
          await comparison.assertSame(
            (client) =>
              client.query(`${metric}[${comparison.endMs - comparison.startMs}ms]`, comparison.endMs),
            0,
            false,
          );
      });
    });

    describe('metadata and series', { concurrency: false }, () => {
      test('label names', async () => {
        for (const match of [
          STEADY_JOBS,
          'scripted_wave',
          `{job="node",__name__=~"node_(disk|network).+",${NO_CONTAINERS}}`,
        ]) {
          const [expected, actual] = await comparison.both<string[]>('/api/v1/labels', { 'match[]': match });
          assert.deepEqual(actual, expected);
        }
      });

      test('label values', async () => {
        for (const label of ['__name__', 'mode', 'device', 'value', 'le', 'nothing']) {
          const [expected, actual] = await comparison.both<string[]>(`/api/v1/label/${label}/values`, {
            'match[]': STEADY_JOBS,
          });
          assert.deepEqual(actual, expected, label);
        }
      });

      test('series', async () => {
        for (const matches of [
          ['scripted_text'],
          [`{job="node",${NO_CONTAINERS}}`],
          ['scripted_wave', '{job="scripted",zone="z1"}'],
        ]) {
          const [expected, actual] = await comparison.both<Record<string, string>[]>('/api/v1/series', {
            'match[]': matches,
          });
          assert.deepEqual(actual.map(labelsKey).sort(), expected.map(labelsKey).sort());
        }
      });

      test('metadata', async () => {
        type Metadata = Record<string, { type: string; help: string; unit: string }[]>;
        const expected = dataOf<Metadata>(await comparison.theirs.get('/api/v1/metadata'));
        // It is sent on a timer of its own, and says what the targets said last.
        await eventually('metadata of every metric', 30_000, async () => {
          const actual = dataOf<Metadata>(await comparison.ours.get('/api/v1/metadata'));
          return Object.keys(expected).every((metric) => actual[metric]) || undefined;
        });
        const actual = dataOf<Metadata>(await comparison.ours.get('/api/v1/metadata'));
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
        const params = { query: 'scripted_wave', time: comparison.endMs / 1000 };
        const expected = dataOf<QueryData>(await comparison.ours.get('/api/v1/query', params));
        for (const answer of [
          await comparison.ours.get('/prometheus/api/v1/query', params),
          await comparison.ours.post('/api/v1/query', params),
          await comparison.ours.post('/prometheus/api/v1/query', params),
        ])
          assert.deepEqual(dataOf<QueryData>(answer), expected);
      });
    });
  });
}
