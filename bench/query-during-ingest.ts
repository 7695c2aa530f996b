/**
 * How long writes take while a heavy query (every series, a long range) is evaluated all the time.
 * Exit code 1 if their 99th percentile is not under a quarter of a second.
 */
import { parseArgs } from 'node:util';
import { Client, encodeParams } from '@xscaler/e2e/harness';
import { type Receiver, startXscaler } from './receivers.ts';
import { Sender } from './sender.ts';
import { printTable } from './table.ts';
import { workloadBodies } from './workload.ts';

const MAX_P99_MS = 250;

const { values: flags } = parseArgs({
  options: {
    series: { type: 'string', default: '20000' },
    'history-steps': { type: 'string', default: '120' },
    'step-seconds': { type: 'string', default: '30' },
    seconds: { type: 'string', default: '20' },
    'requests-per-second': { type: 'string', default: '20' },
    connections: { type: 'string', default: '4' },
    queries: { type: 'string', default: '2' },
    query: { type: 'string', default: 'quantile by (job) (0.9, last_over_time({job=~".+"}[10m]))' },
  },
});
const series = Number(flags.series);
const historySteps = Number(flags['history-steps']);
const stepMs = Number(flags['step-seconds']) * 1_000;
const connections = Number(flags.connections);
const seconds = Number(flags.seconds);

interface Phase {
  /** Time of each write, ms, from when it was due: one that waited its turn behind a slow one is slow itself. */
  readonly latenciesMs: number[];
  readonly queries: number;
}

/** Writes at a steady rate for a while; every connection goes on in its bodies if `positions` say. */
async function phase(
  receiver: Receiver,
  bodies: readonly Buffer[][],
  positions: number[],
  ask: (signal: AbortSignal) => Promise<void>,
): Promise<Phase> {
  const stopping = new AbortController();
  let queries = 0;
  const askOnAndOn = async (): Promise<void> => {
    for (; !stopping.signal.aborted; queries++) await ask(stopping.signal);
  };
  const asking = Array.from({ length: Number(flags.queries) }, () =>
    askOnAndOn().catch((error: unknown) => {
      if (!stopping.signal.aborted) throw error;
    }),
  );
  const latenciesMs: number[] = [];
  const intervalMs = (1_000 * connections) / Number(flags['requests-per-second']);
  const startMs = performance.now();
  const writing = bodies.map(async (own, connection) => {
    const sender = new Sender(receiver);
    let dueMs = startMs + (intervalMs * connection) / connections;
    for (; dueMs < startMs + seconds * 1_000; dueMs += intervalMs) {
      await untilTime(dueMs);
      await sender.send(own[positions[connection]++]);
      latenciesMs.push(performance.now() - dueMs);
    }
    await sender.close();
  });
  // A query that fails ends it all; queries that are cancelled at the end don't.
  await Promise.race([Promise.all(writing), Promise.all(asking)]);
  stopping.abort();
  await Promise.all(asking);
  return { latenciesMs: latenciesMs.sort((a, b) => a - b), queries };
}

function untilTime(timeMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, timeMs - performance.now())));
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

async function heavyQuery(client: Client, endMs: number, signal: AbortSignal): Promise<void> {
  const params = {
    query: flags.query,
    start: (endMs - historySteps * stepMs) / 1000,
    end: endMs / 1000,
    step: 10,
  };
  const path = `/api/v1/query_range?${encodeParams(params)}`;
  const answer = await client.raw(path, { headers: client.credentials, signal });
  if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.text}`);
}

/** Bodies enough for the history and for both phases, which go on from it. */
function makeBodies(endMs: number): { history: Buffer[][]; present: Buffer[][] } {
  const requestsPerConnection = (seconds * Number(flags['requests-per-second'])) / connections + 1;
  const samplesPerRequest = Math.min(2_000, Math.ceil(series / connections));
  const presentSteps = Math.ceil((2 * requestsPerConnection * samplesPerRequest * connections) / series) + 1;
  const shape = { series, samplesPerRequest, connections, seed: 1 };
  const startMs = endMs - historySteps * stepMs;
  return {
    history: workloadBodies({ ...shape, steps: historySteps, stepMs, startMs }),
    present: workloadBodies({ ...shape, steps: presentSteps, stepMs: 1_000, startMs: endMs }),
  };
}

const endMs = Date.now();
const { history, present } = makeBodies(endMs);
const receiver = await startXscaler({});
try {
  await Promise.all(
    history.map(async (bodies) => {
      const sender = new Sender(receiver);
      for (const body of bodies) await sender.send(body);
      await sender.close();
    }),
  );
  const [[, authorization], [, tenant]] = receiver.headers;
  const client = new Client(receiver.url, tenant, authorization.replace('Bearer ', ''));
  const positions = present.map(() => 0);
  const alone = await phase(receiver, present, positions, (signal) => untilAborted(signal));
  const beside = await phase(receiver, present, positions, (signal) => heavyQuery(client, endMs, signal));
  const row = (name: string, { latenciesMs, queries }: Phase): (string | number)[] => [
    name,
    latenciesMs.length,
    percentile(latenciesMs, 0.5),
    percentile(latenciesMs, 0.99),
    latenciesMs[latenciesMs.length - 1],
    queries,
  ];
  console.log(`${series} series, ${historySteps} steps of ${stepMs / 1000} s, ${flags.query}`);
  printTable(
    ['', 'writes', 'p50 ms', 'p99 ms', 'max ms', 'queries'],
    [row('writes alone', alone), row('beside the query', beside)],
  );
  if (percentile(beside.latenciesMs, 0.99) >= MAX_P99_MS) process.exitCode = 1;
} finally {
  await receiver.dispose();
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
}
