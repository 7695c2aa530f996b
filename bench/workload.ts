import { Random } from '@xscaler/e2e/harness';
import { compressSync } from 'snappy';

export interface WorkloadShape {
  readonly series: number;
  readonly steps: number;
  readonly stepMs: number;
  readonly samplesPerRequest: number;
  readonly connections: number;
  /** Time of the first step. */
  readonly startMs: number;
  readonly seed: number;
}

const FAMILIES = 25;
const SERIES_PER_FAMILY = 20;
export const SERIES_PER_INSTANCE = FAMILIES * SERIES_PER_FAMILY;

const KINDS = ['counter', 'bucket', 'decimal', 'walk', 'small', 'constant'] as const;
type Kind = (typeof KINDS)[number];

const BUCKETS = [
  ...['0.001', '0.0025', '0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '10'],
  ...['15', '20', '30', '60', '120', '300', '+Inf'],
];

/**
 * Remote write 1.0 bodies by connection, each to be sent in its order. Instances have 500 series in 25 families
 * of 20; every sixth family is an integer counter, buckets of a classic histogram, a counter with three decimals, a
 * random walk of ±100,000 around a million, a small integer gauge, a constant. About ten labels a series,
 * 260 bytes of them. An instance's timestamps have an offset of their own within the step.
 *
 * A series stays on one connection, as a sender's shards keep it, and a request is filled across steps.
 */
export function workloadBodies(shape: WorkloadShape): Buffer[][] {
  const perConnection = Math.ceil(shape.series / shape.connections);
  return Array.from({ length: shape.connections }, (_, connection) => {
    const first = connection * perConnection;
    const count = Math.min(perConnection, shape.series - first);
    return bodiesOf(new SeriesGroup(first, count, shape), shape);
  });
}

function bodiesOf(group: SeriesGroup, { steps, samplesPerRequest }: WorkloadShape): Buffer[] {
  const bodies: Buffer[] = [];
  const message = new MessageBuffer();
  let samples = 0;
  const finish = () => {
    if (samples > 0) bodies.push(compressSync(message.taken(), { copyOutputData: true }));
    samples = 0;
  };
  for (let step = 0; step < steps; step++) {
    for (let i = 0; i < group.count; i++) {
      message.addSeries(group.labels[i], group.nextValue(i), group.timestampMs(i, step));
      if (++samples === samplesPerRequest) finish();
    }
  }
  finish();
  return bodies;
}

/** Consecutive series with where their values stand. */
class SeriesGroup {
  readonly count: number;
  readonly labels: readonly Buffer[];
  readonly #first: number;
  readonly #values: Float64Array;
  readonly #shape: WorkloadShape;
  readonly #random: Random;

  constructor(first: number, count: number, shape: WorkloadShape) {
    this.count = count;
    this.#first = first;
    this.#shape = shape;
    this.#random = new Random(shape.seed + first);
    this.labels = Array.from({ length: count }, (_, i) => encodedLabels(labelsOf(first + i)));
    this.#values = Float64Array.from({ length: count }, (_, i) => this.#startValue(kindOf(first + i)));
  }

  timestampMs(i: number, step: number): number {
    const instance = Math.floor((this.#first + i) / SERIES_PER_INSTANCE);
    const { startMs, stepMs } = this.#shape;
    return startMs + step * stepMs + ((instance * 7_919) % stepMs);
  }

  nextValue(i: number): number {
    const random = this.#random;
    const value = this.#values[i];
    switch (kindOf(this.#first + i)) {
      case 'counter':
        return this.#keep(i, value + random.between(0, 1_000));
      case 'bucket':
        return this.#keep(i, value + random.between(0, 20));
      case 'decimal':
        return this.#keep(i, Math.round(value * 1_000 + random.between(0, 15_000)) / 1_000);
      case 'walk':
        return this.#keep(i, clamp(value + random.between(-5_000, 5_001), 900_000, 1_100_000));
      case 'small':
        return random.between(0, 50);
      case 'constant':
        return value;
    }
  }

  #keep(i: number, value: number): number {
    this.#values[i] = value;
    return value;
  }

  #startValue(kind: Kind): number {
    if (kind === 'walk') return 1_000_000;
    return kind === 'constant' ? this.#random.between(0, 2) : this.#random.between(0, 1_000_000);
  }
}

function kindOf(series: number): Kind {
  return KINDS[familyOf(series) % KINDS.length];
}

function familyOf(series: number): number {
  return Math.floor((series % SERIES_PER_INSTANCE) / SERIES_PER_FAMILY);
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

/** Pairs sorted by name. */
function labelsOf(series: number): [string, string][] {
  const instance = Math.floor(series / SERIES_PER_INSTANCE);
  const family = familyOf(series);
  const member = series % SERIES_PER_FAMILY;
  const isBucket = kindOf(series) === 'bucket';
  const pod = `checkout-${(instance % 40).toString(16)}-${(instance * 2_654_435_761).toString(36).slice(-9)}`;
  const pairs: [string, string][] = [
    ['__name__', metricName(family)],
    ['cluster', `production-eu-${instance % 3}`],
    ['code', isBucket ? '200' : ['200', '204', '404', '500'][member % 4]],
    ['container', `application-${instance % 20}`],
    ['handler', isBucket ? '/api/v2/orders' : `/api/v2/orders/${member}`],
    ['instance', `10.${(instance >> 8) & 255}.${instance & 255}.17:9102`],
    ['job', `job-${instance % 10}`],
    isBucket ? ['le', BUCKETS[member]] : ['method', ['GET', 'POST', 'PUT'][member % 3]],
    ['namespace', `namespace-${instance % 12}`],
    ['pod', pod],
  ];
  if (!isBucket) pairs.push(['shard', String(member)]);
  return pairs;
}

function metricName(family: number): string {
  const kind = KINDS[family % KINDS.length];
  const suffix = { counter: '_total', bucket: '_seconds_bucket', decimal: '_seconds_total' } as const;
  return `application_${kind}_family_${family}_requests${suffix[kind as keyof typeof suffix] ?? ''}`;
}

/** `TimeSeries` fields 1: the same bytes at every step, so they are made once. */
function encodedLabels(pairs: readonly (readonly [string, string])[]): Buffer {
  const fields: Buffer[] = [];
  for (const [name, value] of pairs) {
    const parts = [field(0x0a, Buffer.from(name)), field(0x12, Buffer.from(value))];
    fields.push(field(0x0a, Buffer.concat(parts)));
  }
  return Buffer.concat(fields);
}

function field(tag: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag, ...varint(bytes.length)]), bytes]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return [...bytes, value];
}

const TIMESTAMP_BYTES = 6;
/** Tag and length, tag and double, tag and timestamp. */
const SAMPLE_BYTES = 2 + 9 + 1 + TIMESTAMP_BYTES;
/** A label set of the workload with its sample and tags, at the most. */
const MAX_SERIES_BYTES = 1_024;

/** A `WriteRequest` being written, one sample a series. */
class MessageBuffer {
  #bytes = Buffer.alloc(1024 * 1024);
  #length = 0;

  addSeries(labels: Buffer, value: number, timestampMs: number): void {
    if (this.#length + MAX_SERIES_BYTES > this.#bytes.length) {
      this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(this.#bytes.length)]);
    }
    const bytes = this.#bytes;
    bytes[this.#length++] = 0x0a;
    this.#varint(labels.length + SAMPLE_BYTES);
    this.#length += labels.copy(bytes, this.#length);
    bytes[this.#length++] = 0x12;
    bytes[this.#length++] = SAMPLE_BYTES - 2;
    bytes[this.#length++] = 0x09;
    this.#length = bytes.writeDoubleLE(value, this.#length);
    bytes[this.#length++] = 0x10;
    this.#varint(timestampMs);
  }

  /** What was written, until the next write. */
  taken(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    return taken;
  }

  #varint(value: number): void {
    for (; value > 127; value = Math.floor(value / 128)) this.#bytes[this.#length++] = (value % 128) + 128;
    this.#bytes[this.#length++] = value;
  }
}
