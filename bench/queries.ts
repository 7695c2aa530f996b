/**
 * Whole range queries beside Prometheus and VictoriaMetrics, on the same bytes: a day of samples, all three programs
 * running, each query asked of one after the other, several times over. Ratios are of each such turn and their median
 * counts, since what slows a machine down for seconds slows all. xscaler is asked twice: with everything in heads, and
 * with everything in blocks, like a day later. Exit code 1 if it takes more than a third of Prometheus' time, or
 * if an answer differs.
 */
import { parseArgs } from 'node:util';
import { encodeParams, eventually, sleep } from '@xscaler/e2e/harness';
import { Client } from 'undici';
import { differenceOf } from './answers-differ.ts';
import { cpuMillis } from './process-usage.ts';
import { QUERY_SHAPES } from './query-shapes.ts';
import { provide, RECEIVERS, type Receiver, startRestartableXscaler } from './receivers.ts';
import { Sender } from './sender.ts';
import { printTable } from './table.ts';
import { SERIES_PER_INSTANCE, workloadBodies } from './workload.ts';

/** Of Prometheus' time, at most. */
const MUST_BE = 1 / 3;
const QUERY_STEP_SECONDS = 60;
/** Heads are cut by the wall clock only if their window is over: the data ends well before now. */
const DATA_AGE_MS = 3 * 3_600_000;
const IN_BLOCKS_WITHIN_MS = 120_000;
const COMPACTED_WITHIN_MS = 90_000;
/** A day of samples lies on two days, of which the second may have a window that is alone. */
const MERGED_BLOCKS = 3;
const SEND_ATTEMPTS = 20;
/** Until the compilers have seen what is hot, in each thread that evaluates. */
const WARM_UP_ROUNDS = 8;

const { values: flags } = parseArgs({
  options: {
    series: { type: 'string', default: '5000' },
    steps: { type: 'string', default: '2880' },
    'step-seconds': { type: 'string', default: '30' },
    rounds: { type: 'string', default: '9' },
    only: { type: 'string', default: '' },
    peers: { type: 'string', default: 'prometheus,victoria-metrics' },
    seed: { type: 'string', default: '1' },
  },
});
const series = Math.ceil(Number(flags.series) / SERIES_PER_INSTANCE) * SERIES_PER_INSTANCE;
const steps = Number(flags.steps);
const stepMs = Number(flags['step-seconds']) * 1_000;
const shapes = QUERY_SHAPES.filter(({ name }) => name.includes(flags.only));
const endMs = Math.floor((Date.now() - DATA_AGE_MS) / 3_600_000) * 3_600_000;
const startMs = endMs - steps * stepMs;
/** No sample lies on a step: since 3.0 Prometheus' windows are open on the left, those of 2.42 were not. */
const firstSampleMs = startMs + 1;

/** A program that answers queries, and how long it took for each. */
class Answerer {
  readonly name: string;
  readonly millis = new Map<string, number[]>();
  readonly cpuMillis = new Map<string, number[]>();
  readonly answers = new Map<string, Buffer>();
  readonly #client: Client;
  readonly #headers: string[];
  readonly #pid: number;

  constructor(name: string, { url, headers }: Receiver, pid: number) {
    this.name = name;
    this.#pid = pid;
    this.#client = new Client(url, { headersTimeout: 120_000, bodyTimeout: 120_000 });
    this.#headers = headers.flat();
  }

  /** @throws Error if the answer isn't a success */
  async ask(query: string): Promise<{ millis: number; body: Buffer }> {
    const params = {
      query,
      start: startMs / 1_000,
      end: endMs / 1_000,
      step: QUERY_STEP_SECONDS,
      nocache: 1,
    };
    const path = `/api/v1/query_range?${encodeParams(params)}`;
    const sentMs = performance.now();
    const answer = await this.#client.request({ method: 'GET', path, headers: this.#headers });
    const body = Buffer.from(await answer.body.arrayBuffer());
    const millis = performance.now() - sentMs;
    if (answer.statusCode !== 200) throw new Error(`${this.name}: ${answer.statusCode}: ${body}`);
    return { millis, body };
  }

  async measure(name: string, query: string): Promise<void> {
    const cpuBefore = cpuMillis(this.#pid);
    const { millis, body } = await this.ask(query);
    this.cpuMillis.set(name, [...(this.cpuMillis.get(name) ?? []), cpuMillis(this.#pid) - cpuBefore]);
    this.millis.set(name, [...(this.millis.get(name) ?? []), millis]);
    this.answers.set(name, body);
  }

  median(name: string): number {
    return median(this.millis.get(name) ?? []);
  }

  /** Of the times of another that was asked the same just before or after: what slows a machine down for seconds slows both. */
  medianRatio(name: string, other: Answerer): number {
    const others = other.millis.get(name) ?? [];
    return median((this.millis.get(name) ?? []).map((millis, round) => millis / others[round]));
  }

  medianCpu(name: string): number {
    return median(this.cpuMillis.get(name) ?? []);
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** Each query of each program, interleaved; the first rounds are for warming up. */
async function askAll(answerers: readonly Answerer[]): Promise<void> {
  for (let round = 0; round < WARM_UP_ROUNDS; round++) {
    for (const { query } of shapes) for (const answerer of answerers) await answerer.ask(query);
  }
  for (let round = 0; round < Number(flags.rounds); round++) {
    for (const { name, query } of shapes) {
      for (const answerer of answerers) await answerer.measure(name, query);
    }
  }
}

async function feed(receiver: Receiver, bodies: readonly Buffer[]): Promise<void> {
  const sender = new Sender(receiver);
  const sentMs = performance.now();
  for (const body of bodies) await sendUntilAccepted(sender, body);
  await sender.close();
  console.error(`${receiver.name} fed in ${((performance.now() - sentMs) / 1_000).toFixed(0)} s`);
}

async function feedInTurn(receivers: readonly Receiver[], bodies: readonly Buffer[]): Promise<void> {
  for (const receiver of receivers) await feed(receiver, bodies);
}

/** As every sender does, a busy receiver is asked again. */
async function sendUntilAccepted(sender: Sender, body: Buffer): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await sender.send(body);
      return;
    } catch (error) {
      if (attempt === SEND_ATTEMPTS) throw error;
      await sleep(500);
    }
  }
}

async function metricsPage({ url }: Receiver): Promise<string> {
  const answer = await fetch(`${url}/metrics`);
  return answer.text();
}

function metricOf(page: string, name: string): number {
  let total = 0;
  for (const [, value] of page.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm')))
    total += Number(value);
  return total;
}

/** Prometheus compacts its head once a minute; what it can't compact yet is the last hours. */
async function untilCompacted(prometheus: Receiver): Promise<void> {
  await eventually('the compaction of Prometheus', COMPACTED_WITHIN_MS, async () => {
    const page = await metricsPage(prometheus);
    const spanMs =
      metricOf(page, 'prometheus_tsdb_head_max_time') - metricOf(page, 'prometheus_tsdb_head_min_time');
    return spanMs <= 3 * 3_600_000 ? spanMs : undefined;
  });
}

/** Blocks of two hours are merged into days, as Prometheus has merged its own. */
async function untilInBlocks(xscaler: Receiver): Promise<void> {
  await eventually('all heads in blocks of a day', IN_BLOCKS_WITHIN_MS, async () => {
    const page = await metricsPage(xscaler);
    const heads = metricOf(page, 'xscaler_ingester_heads');
    const blocks = metricOf(page, 'xscaler_compactor_live_blocks');
    const merges = metricOf(page, 'xscaler_compactor_merges_total');
    return heads === 0 && merges > 0 && blocks <= MERGED_BLOCKS ? blocks : undefined;
  });
}

function print(peers: readonly Answerer[], heads: Answerer, blocks: Answerer): void {
  const prometheus = peers.find(({ name }) => name === 'prometheus');
  const victoriaMetrics = peers.find(({ name }) => name === 'victoria-metrics');
  const rows = shapes.map(({ name, mustBe = MUST_BE }) => {
    const ours = blocks.median(name);
    const ratio = prometheus ? blocks.medianRatio(name, prometheus) : Number.NaN;
    if (ratio > mustBe) process.exitCode = 1;
    return [
      name,
      ...peers.map((peer) => peer.median(name)),
      heads.median(name),
      ours,
      ratio,
      mustBe,
      prometheus ? blocks.medianCpu(name) / prometheus.medianCpu(name) : Number.NaN,
      victoriaMetrics ? blocks.medianRatio(name, victoriaMetrics) : Number.NaN,
    ];
  });
  const times = `${steps} steps of ${stepMs / 1_000} s, queried at ${QUERY_STEP_SECONDS} s`;
  console.log(`\n${series} series, ${times}; median of ${flags.rounds}, ms`);
  printTable(
    ['', ...peers.map(({ name }) => name), 'heads', 'blocks', '/ prom', 'must be', 'CPU / prom', '/ vm'],
    rows,
  );
}

function compare(peers: readonly Answerer[], ours: readonly Answerer[]): void {
  const prometheus = peers.find(({ name }) => name === 'prometheus');
  if (!prometheus) return;
  for (const answerer of ours) {
    for (const { name } of shapes) {
      const difference = differenceOf(
        prometheus.answers.get(name) as Buffer,
        answerer.answers.get(name) as Buffer,
      );
      if (difference === undefined) continue;
      console.error(`${name}: ${answerer.name} and prometheus differ: ${difference}`);
      process.exitCode = 1;
    }
  }
}

const names = flags.peers.split(',').filter((name) => name !== '');
provide(names);
const shape = {
  series,
  steps,
  stepMs,
  samplesPerRequest: 2_000,
  connections: 1,
  startMs: firstSampleMs,
  seed: Number(flags.seed),
};
const [bodies] = workloadBodies(shape);
const receivers = await Promise.all(names.map((name) => RECEIVERS[name]()));
const xscaler = await startRestartableXscaler();
try {
  // Prometheus takes longest by far: the others are fed one after the other beside it.
  const [prometheus] = receivers.filter(({ name }) => name === 'prometheus');
  const others = [xscaler.receiver, ...receivers.filter((receiver) => receiver !== prometheus)];
  await Promise.all([prometheus && feed(prometheus, bodies), feedInTurn(others, bodies)]);
  const peers = receivers.map((receiver) => new Answerer(receiver.name, receiver, receiver.pid));
  const heads = new Answerer('heads', xscaler.receiver, xscaler.receiver.pid);
  await askAll([heads]);
  await heads.close();
  const pid = await xscaler.startAgain();
  await untilInBlocks(xscaler.receiver);
  if (prometheus) await untilCompacted(prometheus);
  await sleep(2_000);
  const blocks = new Answerer('blocks', xscaler.receiver, pid);
  await askAll([...peers, blocks]);
  print(peers, heads, blocks);
  compare(peers, [heads, blocks]);
  await Promise.all([...peers, blocks].map((answerer) => answerer.close()));
} finally {
  await Promise.all([...receivers, xscaler.receiver].map((receiver) => receiver.dispose()));
}
