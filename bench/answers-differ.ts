type Matrix = readonly {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [number, string])[];
}[];

/** Sums in another order differ in their last digits; nothing else may. */
const RELATIVE_TOLERANCE = 1e-9;

/** What is different in two matrix answers, or undefined: same series, same times, values within rounding. */
export function differenceOf(left: Uint8Array, right: Uint8Array): string | undefined {
  const expected = rowsByLabels(left);
  const got = rowsByLabels(right);
  if (expected.size !== got.size) return `${expected.size} and ${got.size} series`;
  for (const [labels, row] of expected) {
    const other = got.get(labels);
    if (other === undefined) return `no series ${labels}`;
    if (row.length !== other.length) return `${row.length} and ${other.length} values of ${labels}`;
    for (const [i, [time, value]] of row.entries()) {
      if (time !== other[i][0]) return `${labels} at ${time} and ${other[i][0]}`;
      if (!areClose(Number(value), Number(other[i][1])))
        return `${labels} at ${time}: ${value}, ${other[i][1]}`;
    }
  }
  return undefined;
}

function rowsByLabels(body: Uint8Array): Map<string, Matrix[number]['values']> {
  const { data }: { data: { result: Matrix } } = JSON.parse(Buffer.from(body).toString());
  return new Map(
    data.result.map(({ metric, values }) => [JSON.stringify(Object.entries(metric).sort()), values]),
  );
}

function areClose(a: number, b: number): boolean {
  return Object.is(a, b) || Math.abs(a - b) <= RELATIVE_TOLERANCE * Math.max(Math.abs(a), Math.abs(b));
}
