/** Whether all of `values[from, to)` are numbers, as their sum says: it is none if one of them isn't. Infinities of both signs count as none. */
export function hasNoNaN(values: Float64Array, from: number, to: number): boolean {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let i = from;
  for (; i + 3 < to; i += 4) {
    a += values[i];
    b += values[i + 1];
    c += values[i + 2];
    d += values[i + 3];
  }
  for (; i < to; i++) a += values[i];
  return !Number.isNaN(a + b + c + d);
}
