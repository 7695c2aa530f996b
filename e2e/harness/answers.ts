import type { QueryData } from './client.ts';

/** How far apart two values may be: by their ratio, and if they are near zero by their distance. */
export interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
}

/**
 * What is different between two answers to one query, or undefined.
 * Order counts only if `ordered` is set: an instant vector has none unless it was sorted.
 */
export function differenceOf(
  expected: QueryData,
  actual: QueryData,
  tolerance: Tolerance,
  ordered: boolean,
): string | undefined {
  if (expected.resultType !== actual.resultType)
    return `type ${actual.resultType} instead of ${expected.resultType}`;
  if (expected.resultType === 'scalar' || expected.resultType === 'string')
    return differenceOfPoints([expected.result], [actual.result as [number, string]], tolerance);
  const left = pointsBySeries(expected);
  const right = pointsBySeries(actual);
  const missing = [...left.keys()].filter((labels) => !right.has(labels));
  const surplus = [...right.keys()].filter((labels) => !left.has(labels));
  if (missing.length > 0 || surplus.length > 0)
    return `missing ${missing.slice(0, 3).join(' ')} surplus ${surplus.slice(0, 3).join(' ')} (${missing.length}, ${surplus.length})`;
  for (const [labels, points] of left) {
    const difference = differenceOfPoints(points, right.get(labels) ?? [], tolerance);
    if (difference) return `${labels}: ${difference}`;
  }
  if (ordered && [...left.keys()].join() !== [...right.keys()].join()) return 'another order';
  return undefined;
}

type Point = readonly [timeSeconds: number, value: string];

function pointsBySeries(data: QueryData): Map<string, readonly Point[]> {
  const bySeries = new Map<string, readonly Point[]>();
  if (data.resultType === 'vector')
    for (const { metric, value } of data.result) bySeries.set(labelsKey(metric), [value]);
  if (data.resultType === 'matrix')
    for (const { metric, values } of data.result) bySeries.set(labelsKey(metric), values);
  return bySeries;
}

/** Labels as one string, in an order of their own. */
export function labelsKey(metric: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(metric).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function differenceOfPoints(
  expected: readonly Point[],
  actual: readonly Point[],
  tolerance: Tolerance,
): string | undefined {
  if (expected.length !== actual.length) return `${actual.length} points instead of ${expected.length}`;
  for (const [i, [time, value]] of expected.entries()) {
    const [actualTime, actualValue] = actual[i];
    if (time !== actualTime) return `point ${i} is at ${actualTime} instead of ${time}`;
    if (!isClose(value, actualValue, tolerance)) return `at ${time}: ${actualValue} instead of ${value}`;
  }
  return undefined;
}

function isClose(expected: string, actual: string, { relative, absolute }: Tolerance): boolean {
  if (expected === actual) return true;
  const [x, y] = [toNumber(expected), toNumber(actual)];
  if (!Number.isFinite(x) || !Number.isFinite(y)) return false;
  const distance = Math.abs(x - y);
  return distance <= absolute || distance <= relative * Math.max(Math.abs(x), Math.abs(y));
}

function toNumber(text: string): number {
  return text === '' ? Number.NaN : Number(text.replace('Inf', 'Infinity'));
}
