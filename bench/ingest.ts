/**
 * Ingest beside Prometheus and VictoriaMetrics, one at a time, the same bytes:
 * CPU-seconds per million samples, from the first request until the program is at rest again, throughput, memory. Fails if
 * one is not what it must be; what must be as good as VictoriaMetrics' if that was measured too.
 */
import { parseArgs } from 'node:util';
import { type Figure, printFigures } from './figures.ts';
import { GcPauses } from './gc-pauses.ts';
import { cpuSeconds, cpuSecondsByThread, folderBytes, residentBytes, settled } from './process-usage.ts';
import { provide, RECEIVERS, type Receiver, startXscaler } from './receivers.ts';
import { Sender } from './sender.ts';
import { printTable } from './table.ts';
import { workloadBodies } from './workload.ts';

const { values: flags } = parseArgs({
  options: {
    series: { type: 'string', default: '50000' },
    steps: { type: 'string', default: '24' },
    'step-seconds': { type: 'string', default: '15' },
    connections: { type: 'string', default: '4' },
    'samples-per-request': { type: 'string', default: '2000' },
    receivers: { type: 'string', default: 'prometheus,victoria-metrics,xscaler' },
    'settle-seconds': { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
  },
});

interface Measurement {
  readonly receiver: string;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly diskBytes: number;
  readonly threads: ReadonlyMap<string, number>;
  readonly gcSeconds: number;
}

/** Resident set of the whole program: of the half million series, and of two hours of a fifth of them. */
const MOST_RESIDENT_MB = { many: 600, few: 400 };
const FEW_SERIES = 100_000;
const MOST_GC_SHARE = 0.05;

const series = Number(flags.series);
const steps = Number(flags.steps);
const stepMs = Number(flags['step-seconds']) * 1_000;
const millions = (series * steps) / 1e6;

async function measure(receiver: Receiver, bodies: readonly Buffer[][]): Promise<Measurement> {
  await settled(receiver.pid, 20_000);
  const cpuBefore = cpuSeconds(receiver.pid);
  const gcBefore = gcPauses.seconds();
  const threadsBefore = cpuSecondsByThread(receiver.pid);
  const startMs = performance.now();
  await Promise.all(bodies.map((own) => sendAll(receiver, own)));
  const seconds = (performance.now() - startMs) / 1_000;
  await settled(receiver.pid, Number(flags['settle-seconds']) * 1_000);
  const threads = new Map<string, number>();
  for (const [name, total] of cpuSecondsByThread(receiver.pid))
    threads.set(name, total - (threadsBefore.get(name) ?? 0));
  return {
    receiver: receiver.name,
    seconds,
    cpuSeconds: cpuSeconds(receiver.pid) - cpuBefore,
    residentBytes: residentBytes(receiver.pid),
    diskBytes: folderBytes(receiver.dataDir),
    threads,
    gcSeconds: gcPauses.seconds() - gcBefore,
  };
}

async function sendAll(receiver: Receiver, bodies: readonly Buffer[]): Promise<void> {
  const sender = new Sender(receiver);
  for (const body of bodies) await sender.send(body);
  await sender.close();
}

/** @returns whether xscaler's figures are what they must be */
function print(measurements: readonly Measurement[]): boolean {
  console.log(`\n${series} series, ${steps} steps of ${stepMs / 1000} s: ${millions} million samples`);
  printTable(
    ['', 'CPU-s per million', 'thousand samples/s', 'RSS MB', 'disk B/sample'],
    measurements.map(({ receiver, seconds, cpuSeconds, residentBytes, diskBytes }) => [
      receiver,
      cpuSeconds / millions,
      (millions * 1_000) / seconds,
      residentBytes / 1e6,
      diskBytes / (millions * 1e6),
    ]),
  );
  const ours = measurements.find(({ receiver }) => receiver === 'xscaler');
  if (!ours) return true;
  const busiest = [...ours.threads].filter(([, cpu]) => cpu > 0).sort(([, a], [, b]) => b - a);
  console.log('\nxscaler by thread');
  printTable(
    ['', 'CPU-s per million'],
    busiest.map(([name, cpu]) => [name, cpu / millions]),
  );
  console.log();
  const by = (name: string) => measurements.find(({ receiver }) => receiver === name);
  return printFigures(figuresOf(ours, by('prometheus'), by('victoria-metrics')));
}

function figuresOf(
  ours: Measurement,
  prometheus: Measurement | undefined,
  victoriaMetrics: Measurement | undefined,
): Figure[] {
  const beside = (name: string, value: (measurement: Measurement) => number) => ({
    name,
    measured: value(ours),
    prometheus: prometheus && value(prometheus),
    victoriaMetrics: victoriaMetrics && value(victoriaMetrics),
  });
  const cpu = beside('CPU-s per million samples', ({ cpuSeconds }) => cpuSeconds / millions);
  const rate = beside('thousand samples/s', ({ seconds }) => (millions * 1_000) / seconds);
  const resident = beside('resident set, MB', ({ residentBytes }) => residentBytes / 1e6);
  return [
    { ...cpu, atMost: cpu.victoriaMetrics },
    { ...rate, atLeast: rate.victoriaMetrics },
    { ...resident, atMost: series > FEW_SERIES ? MOST_RESIDENT_MB.many : MOST_RESIDENT_MB.few },
    {
      name: 'garbage collector, of CPU',
      measured: ours.gcSeconds / ours.cpuSeconds,
      atMost: MOST_GC_SHARE,
    },
    // Before any block is written: queries.ts and libs/database measure those.
    beside('disk B/sample (of xscaler the log)', ({ diskBytes }) => diskBytes / (millions * 1e6)),
  ];
}

const gcPauses = new GcPauses();
const names = flags.receivers.split(',');
provide(names);
const bodies = workloadBodies({
  series,
  steps,
  stepMs,
  samplesPerRequest: Number(flags['samples-per-request']),
  connections: Number(flags.connections),
  startMs: Date.now() - steps * stepMs,
  seed: Number(flags.seed),
});
const measurements: Measurement[] = [];
for (const name of names) {
  const receiver = name === 'xscaler' ? await startXscaler(gcPauses.env) : await RECEIVERS[name]();
  try {
    measurements.push(await measure(receiver, bodies));
  } finally {
    await receiver.dispose();
  }
}
gcPauses.dispose();
if (!print(measurements)) process.exitCode = 1;
