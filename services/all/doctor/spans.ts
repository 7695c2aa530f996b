/** A range of integers, both ends inclusive. */
export type Span = readonly [from: number, to: number];

const MAX_SPANS = 10;

/** Ascending integers as the spans that they make. */
export function spansOf(numbers: readonly number[]): Span[] {
  const found: [number, number][] = [];
  for (const number of numbers) {
    const last = found.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else found.push([number, number]);
  }
  return found;
}

/** `3, 7 to 9`, cut short after ten spans. */
export function printedSpans(all: readonly Span[]): string {
  const some = all.slice(0, MAX_SPANS).map(([from, to]) => {
    if (from === to) return String(from);
    return to >= Number.MAX_SAFE_INTEGER ? `${from} and above` : `${from} to ${to}`;
  });
  return all.length > MAX_SPANS ? `${some.join(', ')}, and more` : some.join(', ');
}
