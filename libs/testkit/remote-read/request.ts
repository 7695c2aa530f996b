import { compressSync } from 'snappy';

const MATCH_NUMBERS = { '=': 0, '!=': 1, '=~': 2, '!~': 3 } as const;

export interface AskedQuery {
  readonly startMs: number;
  readonly endMs: number;
  readonly matchers: readonly (readonly [name: string, type: keyof typeof MATCH_NUMBERS, value: string])[];
}

/** `prometheus.ReadRequest` as a client sends it, compressed. Accepted types: 0 samples, 1 streamed chunks. */
export function readRequestBody(
  queries: readonly AskedQuery[],
  acceptedTypes: readonly number[] = [],
): Buffer {
  return compressSync(readRequestBytes(queries, acceptedTypes), { copyOutputData: true });
}

export function readRequestBytes(
  queries: readonly AskedQuery[],
  acceptedTypes: readonly number[] = [],
): Buffer {
  const messages = queries.map(({ startMs, endMs, matchers }) => {
    const fields = matchers.map(([name, type, value]) =>
      delimited(3, Buffer.concat([Buffer.from([8, MATCH_NUMBERS[type]]), text(2, name), text(3, value)])),
    );
    // Hints: step, function, start, end, grouping, by.
    const hints = Buffer.concat([
      Buffer.from([8, 100]),
      text(2, 'rate'),
      Buffer.from([24]),
      varint(BigInt(startMs)),
      Buffer.from([32]),
      varint(BigInt(endMs)),
      text(5, 'job'),
      Buffer.from([48, 1]),
    ]);
    fields.unshift(Buffer.from([8]), varint(BigInt(startMs)), Buffer.from([16]), varint(BigInt(endMs)));
    return delimited(1, Buffer.concat([...fields, delimited(4, hints)]));
  });
  const types = Buffer.concat(acceptedTypes.map((type) => varint(BigInt(type))));
  return Buffer.concat([...messages, ...(types.length > 0 ? [delimited(2, types)] : [])]);
}

function text(field: number, value: string): Buffer {
  return delimited(field, Buffer.from(value, 'utf8'));
}

function delimited(field: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint(BigInt(field * 8 + 2)), varint(BigInt(bytes.length)), bytes]);
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}
