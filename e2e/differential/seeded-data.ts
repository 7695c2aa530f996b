import { Random, type SampleValue, STALE_MARKER, type TimeSeries } from '../harness/index.ts';
import { series } from '../harness/write-request.ts';

/** How much data there is and where in time, ms. */
export interface DataSpan {
  readonly startMs: number;
  readonly endMs: number;
}

const INTERVAL_MS = 15_000;
/**
 * Every sample stands this long after a whole second, and no query asks for such a time: ranges and lookback are
 * left-open since Prometheus 3.0 and were closed before, which is only seen if a sample stands on an end.
 */
const SAMPLE_PHASE_MS = 123;

const HOSTS = ['a', 'b', 'c', 'd'] as const;
const ZONES: Readonly<Record<string, string>> = { a: 'z1', b: 'z1', c: 'z2', d: 'z2' };
const BOUNDS = ['0.005', '0.1', '0.5', '2.5', '+Inf'];

/** A span that ends a little ago: whole minutes, `minutes` of them. */
export function dataSpan(nowMs: number, minutes: number): DataSpan {
  const endMs = Math.floor((nowMs - 60_000) / 60_000) * 60_000;
  return { startMs: endMs - minutes * 60_000, endMs };
}

/**
 * Series of every kind that PromQL treats differently. Values are multiples of 1/64 of moderate size: sums of them
 * are exact in any order, so that servers which add up differently agree to the last bit.
 */
export function seededSeries(random: Random, span: DataSpan): TimeSeries[] {
  const all: TimeSeries[] = [];
  const add = (labels: Record<string, string>, value: (i: number) => SampleValue | undefined) => {
    const samples: [number, SampleValue][] = [];
    const phaseMs = SAMPLE_PHASE_MS + 1_000 * random.between(0, 14);
    for (let i = 0, timeMs = span.startMs + phaseMs; timeMs < span.endMs; i++, timeMs += INTERVAL_MS) {
      const each = value(i);
      if (each !== undefined) samples.push([timeMs, each]);
    }
    all.push(series(labels, samples));
  };
  for (const [h, host] of HOSTS.entries()) {
    const zone = ZONES[host];
    add({ __name__: 'load', host, zone }, distinctGauge(random, h));
    for (const sensor of ['cpu', 'disk']) add({ __name__: 'temp', host, sensor }, withHoles(random));
    for (const code of ['200', '404', '500']) {
      add({ __name__: 'requests_total', host, code, zone }, counter(random, true));
      add({ __name__: 'errors_total', host, code }, counter(random, false));
    }
    add({ __name__: 'build', host, version: `1.${h % 2}` }, () => 1);
    classicHistogram(random, host, add);
  }
  for (const zone of ['z1', 'z2', 'z3'])
    add({ __name__: 'weight', zone, tier: `t${zone[1]}` }, gauge(random));
  for (const kind of ['nan', 'inf', 'mixed', 'zero']) add({ __name__: 'odd', kind }, oddValues(random, kind));
  add({ __name__: 'brief', host: 'a' }, (i) => (i > 60 && i < 90 ? i : undefined));
  return all;
}

function gauge(random: Random): () => number {
  return () => random.between(-64_000, 64_000) / 64;
}

/** Never the same value in two series. */
function distinctGauge(random: Random, number: number): () => number {
  return () => random.between(0, 10_000) / 4 + number / 64;
}

/** A gauge with gaps longer than the lookback, staleness markers and repeated values. */
function withHoles(random: Random): () => SampleValue | undefined {
  let missing = 0;
  let value = 20;
  return () => {
    if (missing > 0) {
      missing--;
      return undefined;
    }
    const dice = random.next();
    if (dice < 0.01) missing = random.between(22, 40);
    else if (dice < 0.05) missing = random.between(1, 3);
    else if (dice < 0.08) return STALE_MARKER;
    else if (dice < 0.8) value += random.between(-128, 128) / 64;
    return value;
  };
}

/**
 * A counter, falling to a thousand at resets, or with samples missing. Near zero Prometheus 2.42 extrapolates
 * otherwise than 3 if samples are missing at a window's start (prometheus/prometheus#13725): these counters are
 * never near zero, and none that was reset just now, whose rise is as large as its value, has samples missing.
 */
function counter(random: Random, resets: boolean): () => number | undefined {
  let value = 1_000 + random.between(0, 5_000);
  return () => {
    const dice = random.next();
    if (resets && dice < 0.02) value = 1_000 + random.between(0, 8);
    else value += random.between(0, 6);
    return !resets && dice < 0.02 ? undefined : value;
  };
}

/**
 * Without numbers whose squares overflow (2.42 makes a NaN of an infinite sum's rounding error) and without
 * denormal ones (whose logarithm Go 1.19 gets wrong).
 */
function oddValues(random: Random, kind: string): () => SampleValue {
  const mixed = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1e100, 1e-100, 3, -1];
  return () => {
    if (kind === 'nan') return random.next() < 0.5 ? Number.NaN : random.between(-5, 5);
    if (kind === 'inf') return random.next() < 0.3 ? Number.POSITIVE_INFINITY : random.between(-5, 5);
    if (kind === 'zero') return random.next() < 0.5 ? 0 : -0;
    return mixed[random.between(0, mixed.length)];
  };
}

function classicHistogram(
  random: Random,
  host: string,
  add: (labels: Record<string, string>, value: (i: number) => number) => void,
): void {
  const seed = random.between(0, 2 ** 31);
  // Every bucket is drawn from the same numbers: they rise together.
  BOUNDS.forEach((le, bound) => {
    const drawn = new Random(seed);
    let value = 1_000 * (bound + 1);
    add({ __name__: 'latency_bucket', host, le }, () => {
      const where = drawn.between(0, 8);
      value += bound >= Math.min(where, BOUNDS.length - 1) ? 1 : 0;
      return value;
    });
  });
  add({ __name__: 'latency_count', host }, (i) => 5_000 + i);
  add({ __name__: 'latency_sum', host }, (i) => 900 + i / 2);
}
