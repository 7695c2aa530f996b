/**
 * Twice the load that xscaler sustains: how long accepted writes take, how much is still accepted, what becomes of the others, how
 * much memory that takes, and how a tenant fares meanwhile that sends little. Fails if something isn't as it must be.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createTenant, Xscaler } from '@xscaler/e2e/harness';
import type { LoadOutcome, LoadPhase, LoadSource } from './load-process.ts';
import { residentBytes } from './process-usage.ts';
import { receiverOf } from './receivers.ts';
import { printTable } from './table.ts';

const MAX_P99_MS = 1_000;
const MIN_GOODPUT = 0.8;
/** Of a tenant that overloads nothing. */
const MAX_QUIET_REFUSED = 0.01;
/** From here on the figures tell more of the sender than of the server. */
const MAX_LATE_MS = 100;

const { values: flags } = parseArgs({
  options: {
    series: { type: 'string', default: '100000' },
    'samples-per-request': { type: 'string', default: '500' },
    /** For which the sustainable load is sought, after half as many to warm up, and for which a multiple of it is offered. */
    seconds: { type: 'string', default: '20' },
    factor: { type: 'string', default: '2' },
    /** That the sustainable load is sought with: each sends as soon as it has its answer. */
    'busy-connections': { type: 'string', default: '64' },
    /** For the multiple, at most. */
    connections: { type: 'string', default: '512' },
    /** Requests a second of the tenant that sends little. */
    'quiet-rate': { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
  },
});

const seconds = Number(flags.seconds);
const samplesPerRequest = Number(flags['samples-per-request']);

const STEP_MS = 5_000;
/** Long enough for as many steps as there may be, and within the window for late samples. */
const START_BEFORE_MS = 110 * 60_000;
const QUIET_SERIES = 1_000;
const QUIET_CONNECTIONS = 32;

/** A process that sends. */
class Sender {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(source: LoadSource): Promise<Sender> {
    const child = fork(join(import.meta.dirname, 'load-process.ts'), [], { serialization: 'advanced' });
    const sender = new Sender(child);
    await sender.#ask(source);
    return sender;
  }

  run(phase: LoadPhase): Promise<LoadOutcome> {
    return this.#ask(phase) as Promise<LoadOutcome>;
  }

  end(): void {
    this.#child.kill();
  }

  async #ask(message: LoadSource | LoadPhase): Promise<unknown> {
    this.#child.send(message);
    const [answer] = await once(this.#child, 'message');
    return answer;
  }
}

interface Measured {
  /** Requests a second. */
  readonly sustained: number;
  readonly loud: LoadOutcome;
  readonly quiet: LoadOutcome;
  readonly residentBefore: number;
  readonly residentPeak: number;
}

async function measure(xscaler: Xscaler): Promise<Measured> {
  const { url, path, headers, pid } = receiverOf(xscaler);
  const [token] = await createTenant(xscaler.dataDir, 'quiet', ['write']);
  const quietHeaders = xscaler.client('quiet', token).credentials;
  const shape = {
    series: Number(flags.series),
    steps: 0,
    stepMs: STEP_MS,
    samplesPerRequest,
    connections: 1,
    startMs: Date.now() - START_BEFORE_MS,
    seed: Number(flags.seed),
  };
  const loud = await Sender.start({ receiver: { url, path, headers }, shape });
  const quiet = await Sender.start({
    receiver: { url, path, headers: quietHeaders },
    shape: { ...shape, series: QUIET_SERIES },
  });
  let watch: NodeJS.Timeout | undefined;
  try {
    const busy = { connections: Number(flags['busy-connections']) };
    await loud.run({ ...busy, seconds: seconds / 2 });
    const sustained = (await loud.run({ ...busy, seconds })).accepted.length / seconds;
    const residentBefore = residentBytes(pid);
    let residentPeak = residentBefore;
    watch = setInterval(() => {
      residentPeak = Math.max(residentPeak, residentBytes(pid));
    }, 100);
    const [loudOutcome, quietOutcome] = await Promise.all([
      loud.run({
        seconds,
        connections: Number(flags.connections),
        perSecond: sustained * Number(flags.factor),
      }),
      quiet.run({ seconds, connections: QUIET_CONNECTIONS, perSecond: Number(flags['quiet-rate']) }),
    ]);
    return { sustained, loud: loudOutcome, quiet: quietOutcome, residentBefore, residentPeak };
  } finally {
    clearInterval(watch);
    loud.end();
    quiet.end();
  }
}

function percentile(values: Float64Array, part: number): number {
  const sorted = values.toSorted();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

function refusedShare({ accepted, turnedAway }: LoadOutcome): number {
  return turnedAway.length / (accepted.length + turnedAway.length);
}

function row(name: string, times: Float64Array): (string | number)[] {
  const perSecond = times.length / seconds;
  const parts = [0.5, 0.99, 1].map((part) => percentile(times, part));
  return [name, perSecond, perSecond * samplesPerRequest, ...parts];
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const ms = (time: number) => `${time.toFixed(0)} ms`;

function print({ sustained, loud, quiet, residentBefore, residentPeak }: Measured): void {
  printTable(
    ['', 'requests/s', 'samples/s', 'p50 ms', 'p99 ms', 'max ms'],
    [
      ['sustained', sustained, sustained * samplesPerRequest, '', '', ''],
      row('accepted', loud.accepted),
      row('turned away', loud.turnedAway),
      row('quiet tenant accepted', quiet.accepted),
      row('sender late', loud.late),
    ],
  );
  const factor = Number(flags.factor);
  const retryAfter = [...loud.retryAfter].sort(([a], [b]) => a - b);
  console.log(
    `turned away ${percent(refusedShare(loud))}, ${percent(1 - 1 / factor)} would have to be; ` +
      `Retry-After ${retryAfter.map(([after, count]) => `${after} s × ${count}`).join(', ')}`,
  );
  console.log(
    `resident set ${(residentBefore / 1e6).toFixed(0)} MB, at most ${(residentPeak / 1e6).toFixed(0)} MB`,
  );
  for (const [text, count] of [...loud.faults, ...quiet.faults]) console.log(`fault: ${text} × ${count}`);
}

/** Prints each figure beside what it must be. Returns whether all are. */
function isAsMustBe({ sustained, loud, quiet }: Measured): boolean {
  const p99 = percentile(loud.accepted, 0.99);
  const quietP99 = percentile(quiet.accepted, 0.99);
  const goodput = loud.accepted.length / seconds / sustained;
  const quietRefused = refusedShare(quiet);
  const late = percentile(loud.late, 0.99);
  const below = ms(MAX_P99_MS);
  const figures: [name: string, figure: string, mustBe: string, is: boolean][] = [
    ['p99 of accepted writes', ms(p99), `below ${below}`, p99 < MAX_P99_MS],
    ['accepted, of the sustainable load', percent(goodput), percent(MIN_GOODPUT), goodput >= MIN_GOODPUT],
    ['p99 of the quiet tenant', ms(quietP99), `below ${below}`, quietP99 < MAX_P99_MS],
    [
      'turned away of the quiet tenant',
      percent(quietRefused),
      `at most ${percent(MAX_QUIET_REFUSED)}`,
      quietRefused <= MAX_QUIET_REFUSED,
    ],
    ['p99 of the sender’s lateness', ms(late), `below ${ms(MAX_LATE_MS)}`, late < MAX_LATE_MS],
  ];
  for (const [name, figure, mustBe, is] of figures) {
    console.log(`${is ? 'ok    ' : 'NOT OK'} ${name}: ${figure}, must be ${mustBe}`);
  }
  return figures.every(([, , , is]) => is) && loud.faults.size === 0 && quiet.faults.size === 0;
}

const xscaler = await Xscaler.start();
try {
  const measured = await measure(xscaler);
  print(measured);
  if (!isAsMustBe(measured)) process.exitCode = 1;
} finally {
  await xscaler.dispose();
}
