import type { Labels } from '@xscaler/model';
import { ABSENT, evaluateInstant, evaluateRange, HISTOGRAM, type QueryResult } from '@xscaler/promql';
import { compareSamples, nearlyEqual, type ResultSample } from './promqltest-compare.ts';
import { convertClassicHistograms } from './promqltest-nhcb.ts';
import type { Command, EvalCase, TextExpectation } from './promqltest-script.ts';
import type { ScriptStorage } from './promqltest-storage.ts';

export interface CaseOutcome {
  /** `file:line`. */
  readonly name: string;
  readonly query: string;
  /** What went wrong; undefined if the case passes. */
  readonly fault: string | undefined;
}

/** Runs a script's commands in order against one storage. */
export async function runScript(
  commands: readonly Command[],
  storage: ScriptStorage,
): Promise<CaseOutcome[]> {
  const outcomes: CaseOutcome[] = [];
  storage.clear();
  for (const command of commands) {
    if (command.kind === 'clear') storage.clear();
    else if (command.kind === 'load') {
      storage.load(command.series, command.stepMs);
      if (command.nhcb) storage.loadConverted(convertClassicHistograms(command.series), command.stepMs);
    } else {
      const fault = await runCase(command, storage);
      outcomes.push({ name: command.name, query: command.query, fault });
    }
  }
  return outcomes;
}

/** Functions of the query's own times, which a range query around an instant does not share. */
const QUERY_BOUND = /\b(start|end|range|step)\s*\(\s*\)/i;

async function runCase(one: EvalCase, storage: ScriptStorage): Promise<string | undefined> {
  const direct = await attempt(one, storage, one.startMs, one.endMs, one.stepMs);
  const fault = judge(one, direct);
  if (fault || one.stepMs > 0 || one.expect.ordered || one.expect.rangeVector) return fault;
  if (one.expect.fail || one.expect.text !== undefined) return undefined;
  if (QUERY_BOUND.test(one.query)) return undefined;
  // The same query as the middle step of a short range query must give the same.
  const around = await attempt(one, storage, one.startMs - 60_000, one.startMs + 60_000, 60_000);
  if (around instanceof Error) return `as a range query: ${around.message}`;
  const middle = seriesOf(around)
    .map(({ labels, samples }) => ({
      labels,
      samples: samples.filter(({ timestampMs }) => timestampMs === one.startMs),
    }))
    .filter(({ samples }) => samples.length > 0);
  const middleFault = compareSeries(one, middle);
  return middleFault && `as a range query: ${middleFault}`;
}

async function attempt(
  one: EvalCase,
  queryable: ScriptStorage,
  startMs: number,
  endMs: number,
  stepMs: number,
): Promise<QueryResult | Error> {
  const options = { queryable, delayedNameRemoval: true };
  try {
    if (stepMs === 0) return await evaluateInstant(one.query, { ...options, timeMs: startMs });
    return await evaluateRange(one.query, { ...options, startMs, endMs, stepMs });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function judge(one: EvalCase, result: QueryResult | Error): string | undefined {
  const { fail, warn, info, text } = one.expect;
  if (result instanceof Error) {
    if (!fail) return `failed: ${result.stack}`;
    return satisfies(result.message, fail) ? undefined : `failed otherwise: ${result.message}`;
  }
  if (fail) return 'expected a failure';
  const fault = judgeTexts('warning', warn, result.warnings) ?? judgeTexts('info', info, result.infos);
  if (fault) return fault;
  if (text !== undefined) {
    return result.type === 'string' && result.value === text ? undefined : 'expected another string';
  }
  if (result.type === 'string') return 'unexpected string';
  return compareSeries(one, seriesOf(result));
}

function satisfies(text: string, expectation: TextExpectation): boolean {
  if (expectation.kind === 'any') return true;
  if (expectation.kind === 'exact') return text === expectation.text;
  return new RegExp(expectation.text).test(text);
}

function judgeTexts(
  kind: string,
  expected: readonly TextExpectation[] | 'none',
  actual: readonly string[],
): string | undefined {
  if (expected === 'none')
    return actual.length === 0 ? undefined : `unexpected ${kind}: ${actual.join('; ')}`;
  for (const one of expected) {
    if (!actual.some((text) => satisfies(text, one))) {
      return `missing ${kind} ${JSON.stringify(one)} among [${actual.join('; ')}]`;
    }
  }
  return undefined;
}

interface ResultSeries {
  readonly labels: Labels | undefined;
  readonly samples: readonly ResultSample[];
}

function seriesOf(result: QueryResult): ResultSeries[] {
  switch (result.type) {
    case 'scalar':
      return [
        {
          labels: undefined,
          samples: [{ timestampMs: result.timeMs, value: result.value, histogram: undefined }],
        },
      ];
    case 'string':
      return [];
    case 'samples':
      return result.series.map(({ labels, timestampsMs, values, histograms }) => ({
        labels,
        samples: [...timestampsMs].map((timestampMs, i) => ({
          timestampMs,
          value: values[i],
          histogram: histograms?.[i],
        })),
      }));
  }
  const { block } = result;
  const startMs = result.type === 'vector' ? result.timeMs : result.grid.startMs;
  const stepMs = result.type === 'vector' ? 0 : result.grid.stepMs;
  return block.labels.map((labels, row) => {
    const samples: ResultSample[] = [];
    for (let k = 0; k < block.steps; k++) {
      const cell = row * block.steps + k;
      if (block.present[cell] === ABSENT) continue;
      const histogram = block.present[cell] === HISTOGRAM ? block.histograms?.[cell] : undefined;
      samples.push({ timestampMs: startMs + k * stepMs, value: block.values[cell], histogram });
    }
    return { labels, samples };
  });
}

function compareSeries(one: EvalCase, actual: readonly ResultSeries[]): string | undefined {
  if (one.scalar !== undefined) {
    const value = actual[0]?.samples[0]?.value;
    return value !== undefined && nearlyEqual(one.scalar, value)
      ? undefined
      : `expected ${one.scalar}, got ${value}`;
  }
  const { rangeVector, ordered } = one.expect;
  const startMs = rangeVector?.startMs ?? one.startMs;
  const stepMs = rangeVector?.stepMs ?? one.stepMs;
  const remaining = [...actual];
  for (const [position, { labels, points }] of one.series.entries()) {
    const expected = points
      .map((point, i) => ({ timestampMs: startMs + i * stepMs, point }))
      .filter(({ point }) => point.kind !== 'none');
    if (expected.length === 0) continue;
    const found = remaining.findIndex((series) => series.labels?.equals(labels) ?? labels.size === 0);
    if (found < 0)
      return `${labels} is missing; there are ${remaining.map((series) => series.labels).join(' ')}`;
    if (ordered && !actual[position]?.labels?.equals(labels)) return `${labels} is out of order`;
    const [series] = remaining.splice(found, 1);
    const fault = compareSamples(labels, expected, series.samples);
    if (fault) return fault;
  }
  if (remaining.length === 0) return undefined;
  return `unexpected series ${remaining.map((series) => series.labels).join(' ')}`;
}
