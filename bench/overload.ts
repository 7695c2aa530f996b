/**
 * Twice the load that xscaler sustains: how long accepted writes take, what becomes of the others, how much memory it takes.
 * Fails where the 99th percentile of accepted writes is a second or more, or an answer is neither 2xx nor 429 or 503 with Retry-After.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { sleep, Xscaler } from '@xscaler/e2e/harness';
import { Agent } from 'undici';
import { residentBytes } from './process-usage.ts';
import { type Receiver, receiverOf } from './receivers.ts';
import { printTable } from './table.ts';
import { workloadBodies } from './workload.ts';

const MUST_BE_MS = 1_000;

const { values: flags } = parseArgs({
  options: {
    series: { type: 'string', default: '20000' },
    'samples-per-request': { type: 'string', default: '500' },
    /** Seconds for which the sustainable load is sought, and for which twice of it is offered. */
    seconds: { type: 'string', default: '20' },
    factor: { type: 'string', default: '2' },
    connections: { type: 'string', default: '512' },
    seed: { type: 'string', default: '1' },
  },
});

const seconds = Number(flags.seconds);

interface Answers {
  /** ms from the time that the request was due until its answer, of those answered 2xx. */
  readonly accepted: number[];
  readonly turnedAway: number[];
  readonly faults: Map<string, number>;
}

class Load {
  readonly answers: Answers = { accepted: [], turnedAway: [], faults: new Map() };
  readonly #receiver: Receiver;
  readonly #bodies: readonly Buffer[];
  readonly #agent: Agent;
  #sent = 0;

  constructor(receiver: Receiver, bodies: readonly Buffer[], connections: number) {
    this.#receiver = receiver;
    this.#bodies = bodies;
    this.#agent = new Agent({ connections, pipelining: 1 });
  }

  async send(dueMs: number): Promise<void> {
    const { url, path, headers } = this.#receiver;
    try {
      const answer = await this.#agent.request({
        origin: url,
        path,
        method: 'POST',
        headers: ['content-type', 'application/x-protobuf', 'content-encoding', 'snappy', ...headers.flat()],
        body: this.#bodies[this.#sent++ % this.#bodies.length],
      });
      await answer.body.dump();
      this.#note(answer.statusCode, answer.headers['retry-after'] !== undefined, performance.now() - dueMs);
    } catch (error) {
      this.#fault((error as Error).message);
    }
  }

  close(): Promise<void> {
    return this.#agent.close();
  }

  #note(status: number, saysWhen: boolean, tookMs: number): void {
    if (status < 300) this.answers.accepted.push(tookMs);
    else if ((status === 429 || status === 503) && saysWhen) this.answers.turnedAway.push(tookMs);
    else this.#fault(String(status));
  }

  #fault(text: string): void {
    this.answers.faults.set(text, (this.answers.faults.get(text) ?? 0) + 1);
  }
}

/** Requests a second that a few connections get done, one after the other. */
async function sustainable(receiver: Receiver, bodies: readonly Buffer[]): Promise<number> {
  const load = new Load(receiver, bodies, 16);
  const endMs = performance.now() + seconds * 1_000;
  const halfMs = endMs - (seconds * 1_000) / 2;
  let before = 0;
  const watch = sleep(halfMs - performance.now()).then(() => {
    before = load.answers.accepted.length;
  });
  const one = async () => {
    while (performance.now() < endMs) await load.send(performance.now());
  };
  await Promise.all([...Array.from({ length: 16 }, one), watch]);
  const perSecond = (load.answers.accepted.length - before) / (seconds / 2);
  await load.close();
  return perSecond;
}

/** Requests sent when they are due, whatever has become of those before. */
async function offered(receiver: Receiver, bodies: readonly Buffer[], perSecond: number) {
  const load = new Load(receiver, bodies, Number(flags.connections));
  const startMs = performance.now();
  const underWay = new Set<Promise<void>>();
  let peakBytes = 0;
  for (let sent = 0; performance.now() - startMs < seconds * 1_000; ) {
    const due = ((performance.now() - startMs) * perSecond) / 1_000;
    for (; sent < due; sent++) {
      const one = load.send(startMs + (sent * 1_000) / perSecond).finally(() => underWay.delete(one));
      underWay.add(one);
    }
    peakBytes = Math.max(peakBytes, residentBytes(receiver.pid));
    await sleep(2);
  }
  await Promise.all(underWay);
  await load.close();
  return { answers: load.answers, peakBytes };
}

function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

const xscaler = await Xscaler.start();
try {
  const receiver = receiverOf(xscaler);
  const samplesPerRequest = Number(flags['samples-per-request']);
  const steps = 20;
  const [bodies] = workloadBodies({
    series: Number(flags.series),
    steps,
    stepMs: 15_000,
    samplesPerRequest,
    connections: 1,
    startMs: Date.now() - steps * 15_000,
    seed: Number(flags.seed),
  });
  const perSecond = await sustainable(receiver, bodies);
  const before = residentBytes(receiver.pid);
  const delay = monitorEventLoopDelay();
  delay.enable();
  const { answers, peakBytes } = await offered(receiver, bodies, perSecond * Number(flags.factor));
  delay.disable();
  const { accepted, turnedAway, faults } = answers;
  const p99 = percentile(accepted, 0.99);
  printTable(
    ['', 'requests/s', 'p50 ms', 'p99 ms', 'max ms'],
    [
      ['sustained', perSecond, '', '', ''],
      ...[['accepted', accepted] as const, ['turned away', turnedAway] as const].map(([name, times]) => [
        name,
        times.length / seconds,
        percentile(times, 0.5),
        percentile(times, 0.99),
        percentile(times, 1),
      ]),
    ],
  );
  // Where the machine is not idle: what is beside this can't be told from what xscaler takes.
  console.log(`the sender itself was late by ${(delay.percentile(99) / 1e6).toFixed(0)} ms (p99)`);
  console.log(`resident set ${(before / 1e6).toFixed(0)} MB, at most ${(peakBytes / 1e6).toFixed(0)} MB`);
  for (const [text, count] of faults) console.log(`fault: ${text} × ${count}`);
  console.log(`p99 of accepted writes ${p99.toFixed(0)} ms, must be below ${MUST_BE_MS} ms`);
  if (!(p99 < MUST_BE_MS) || faults.size > 0) process.exitCode = 1;
} finally {
  await xscaler.dispose();
}
