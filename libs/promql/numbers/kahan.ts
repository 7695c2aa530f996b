/**
 * Kahan–Neumaier summation: the running sum and the compensation of what rounding lost.
 * The compensation is dropped once the sum is infinite.
 */
export class KahanSum {
  sum = 0;
  compensation = 0;

  reset(sum = 0): void {
    this.sum = sum;
    this.compensation = 0;
  }

  add(value: number): void {
    const sum = this.sum;
    const next = sum + value;
    if (next === Number.POSITIVE_INFINITY || next === Number.NEGATIVE_INFINITY) this.compensation = 0;
    else if (Math.abs(sum) >= Math.abs(value)) this.compensation += sum - next + value;
    else this.compensation += value - next + sum;
    this.sum = next;
  }

  get total(): number {
    return this.sum + this.compensation;
  }
}

/**
 * Adds four values, one after the other, to the sum and compensation at `at` of two columns: what `KahanSum` would do.
 * @returns false if the sum came out infinite or NaN; then nothing was done
 */
export function addFour(
  sums: Float64Array,
  compensations: Float64Array,
  at: number,
  a: number,
  b: number,
  c: number,
  d: number,
): boolean {
  const before = sums[at];
  const first = before + a;
  const second = first + b;
  const third = second + c;
  const sum = third + d;
  // From infinity and NaN no sum comes back.
  if (!(Math.abs(sum) < Number.POSITIVE_INFINITY)) return false;
  let compensation = compensations[at];
  compensation += lost(before, a, first);
  compensation += lost(first, b, second);
  compensation += lost(second, c, third);
  compensation += lost(third, d, sum);
  sums[at] = sum;
  compensations[at] = compensation;
  return true;
}

/** What rounding took from `sum`, which is `a + b`. */
function lost(a: number, b: number, sum: number): number {
  return Math.abs(a) >= Math.abs(b) ? a - sum + b : b - sum + a;
}

/** An arithmetic mean that falls back to an incremental mean if the sum would overflow, as Prometheus'. */
export class RunningMean {
  readonly #kahan = new KahanSum();
  #count = 0;
  #incremental = false;

  reset(): void {
    this.#kahan.reset();
    this.#count = 0;
    this.#incremental = false;
  }

  add(value: number): void {
    const kahan = this.#kahan;
    this.#count++;
    if (this.#count === 1) {
      kahan.reset(value);
      return;
    }
    const count = this.#count;
    if (!this.#incremental) {
      const { sum, compensation } = kahan;
      kahan.add(value);
      if (Math.abs(kahan.sum) !== Number.POSITIVE_INFINITY) return;
      this.#incremental = true;
      kahan.sum = sum / (count - 1);
      kahan.compensation = compensation / (count - 1);
    }
    const shrink = (count - 1) / count;
    kahan.sum *= shrink;
    kahan.compensation *= shrink;
    kahan.add(value / count);
  }

  get mean(): number {
    const { sum, compensation } = this.#kahan;
    if (this.#incremental) return sum + compensation;
    return sum / this.#count + compensation / this.#count;
  }
}
