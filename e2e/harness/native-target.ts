import { createServer, type Server } from 'node:http';
import { freePort } from './child-process.ts';

/**
 * A scrape target with native histograms, which Prometheus takes in protobuf alone (`io.prometheus.client.MetricFamily`,
 * delimited): counts grow with each scrape, buckets come and go, one histogram starts again at zero.
 */
export class NativeTarget {
  readonly target: string;
  readonly #server: Server;
  #scrapes = 0;

  private constructor(port: number) {
    this.target = `127.0.0.1:${port}`;
    this.#server = createServer((_request, response) => {
      response.setHeader(
        'content-type',
        'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
      );
      response.end(page(this.#scrapes++));
    });
  }

  static async start(): Promise<NativeTarget> {
    const port = await freePort();
    const native = new NativeTarget(port);
    await new Promise<void>((resolve) => native.#server.listen(port, '127.0.0.1', resolve));
    return native;
  }

  dispose(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

interface Side {
  readonly spans: readonly (readonly [offset: number, length: number])[];
  readonly counts: readonly number[];
}

const NOTHING: Side = { spans: [], counts: [] };

function page(n: number): Buffer {
  const grown = n % 7;
  return Buffer.concat([
    family(
      'native_growing',
      n * 0.5,
      2,
      1,
      {
        spans: [
          [-3, 2],
          [4, 3],
        ],
        counts: [n, 2 * n, 1, 0, n + 3],
      },
      NOTHING,
    ),
    family(
      'native_both_sides',
      -1 - n,
      0,
      n,
      { spans: [[0, 1]], counts: [5] },
      { spans: [[1, 2]], counts: [n, 2] },
    ),
    family(
      'native_restarting',
      grown,
      8,
      0,
      { spans: [[10, 1 + grown]], counts: Array(1 + grown).fill(grown) },
      NOTHING,
    ),
    family('native_empty', 0, -4, 0, NOTHING, NOTHING),
  ]);
}

function family(
  name: string,
  sum: number,
  schema: number,
  zeroCount: number,
  positive: Side,
  negative: Side,
): Buffer {
  const total = [...positive.counts, ...negative.counts].reduce((all, one) => all + one, zeroCount);
  const histogram = Buffer.concat([
    integer(1, total),
    double(2, sum),
    integer(5, zigzag(schema)),
    double(6, 0.001),
    integer(7, zeroCount),
    ...side(9, 10, negative),
    ...side(12, 13, positive),
  ]);
  const label = message(
    1,
    Buffer.concat([message(1, Buffer.from('kind')), message(2, Buffer.from('native'))]),
  );
  const metric = Buffer.concat([label, message(7, histogram)]);
  const whole = Buffer.concat([message(1, Buffer.from(name)), integer(3, 4), message(4, metric)]);
  return Buffer.concat([varint(whole.length), whole]);
}

function side(spanField: number, deltaField: number, { spans, counts }: Side): Buffer[] {
  let previous = 0;
  return [
    ...spans.map(([offset, length]) =>
      message(spanField, Buffer.concat([integer(1, zigzag(offset)), integer(2, length)])),
    ),
    ...counts.map((count) => {
      const delta = integer(deltaField, zigzag(count - previous));
      previous = count;
      return delta;
    }),
  ];
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80);
  return Buffer.from([...bytes, value]);
}

const zigzag = (value: number) => (value < 0 ? -2 * value - 1 : 2 * value);
const integer = (field: number, value: number) => Buffer.concat([varint(field * 8), varint(value)]);
const message = (field: number, content: Buffer) =>
  Buffer.concat([varint(field * 8 + 2), varint(content.length), content]);

function double(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([varint(field * 8 + 1), bytes]);
}
