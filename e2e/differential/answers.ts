import { labelsKey } from '../harness/answers.ts';
import { type Answer, dataOf, type QueryData } from '../harness/index.ts';

/** Values by time, by series; undefined if the query failed. */
export type Values = ReadonlyMap<string, ReadonlyMap<number, number>> | undefined;

/** Takes an answer apart. A status that is neither a success nor the query's own fault is an error of the test. */
export function valuesOf(answer: Answer): Values {
  if (answer.status === 400 || answer.status === 422) return undefined;
  const data = dataOf<QueryData>(answer);
  const values = new Map<string, ReadonlyMap<number, number>>();
  const put = (labels: string, points: readonly (readonly [number, string])[]) => {
    // Twice the same series would be lost in a map: it is a difference of its own.
    if (values.has(labels)) throw new Error(`${labels} is there twice`);
    values.set(labels, new Map(points.map(([time, text]) => [time, numberOf(text)])));
  };
  if (data.resultType === 'matrix') for (const each of data.result) put(labelsKey(each.metric), each.values);
  else if (data.resultType === 'vector')
    for (const each of data.result) put(labelsKey(each.metric), [each.value]);
  else put('', [data.result]);
  return values;
}

function numberOf(text: string): number {
  return Number(text.replace('Inf', 'Infinity'));
}

/** The first thing that is different, or undefined. */
export function differenceOf(
  expected: Values,
  actual: Values,
  isClose: (expected: number, actual: number) => boolean,
): string | undefined {
  if (expected === undefined || actual === undefined) {
    if (expected === actual) return undefined;
    return expected === undefined ? 'answers if Prometheus refuses' : 'refuses if Prometheus answers';
  }
  for (const [labels, points] of expected) {
    const others = actual.get(labels);
    if (others === undefined) return `${labels} is missing`;
    for (const [time, value] of points) {
      const other = others.get(time);
      if (other === undefined) return `${labels} has nothing at ${time}, expected ${value}`;
      if (!isClose(value, other)) return `${labels} at ${time}: ${other}, expected ${value}`;
    }
    for (const time of others.keys())
      if (!points.has(time)) return `${labels} has ${others.get(time)} at ${time}`;
  }
  for (const labels of actual.keys()) if (!expected.has(labels)) return `${labels} is too many`;
  return undefined;
}

/** The largest finite magnitude. */
export function magnitudeOf(values: Values): number {
  let largest = 0;
  for (const points of values?.values() ?? []) {
    for (const value of points.values())
      if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
  }
  return largest;
}
