import type { QueryResult } from '@xscaler/promql';
import { JSON_HEADERS, successPieces } from '../answer/envelope.ts';
import type { EvaluationReply } from './evaluation-api.ts';

interface Rendering {
  readonly stats: 'none' | 'totals' | 'all';
  /** How long the query waited for its thread. */
  readonly queuedMs: number;
  readonly warnings: readonly string[];
}

/** Puts an evaluated result into the Prometheus envelope. `data` is the JSON of `data` in pieces, without stats. */
export function renderAnswer(
  result: QueryResult,
  data: readonly Uint8Array[],
  rendering: Rendering,
): EvaluationReply {
  const warnings = [...result.warnings, ...rendering.warnings];
  const shown = rendering.stats === 'none' ? data : withStats(data, result, rendering);
  const body = successPieces(shown, { warnings, infos: result.infos });
  return { status: 200, headers: JSON_HEADERS, body, samplesRead: result.stats.samplesRead };
}

/** `stats` like Prometheus: times in seconds, steps only on request. */
function withStats(
  data: readonly Uint8Array[],
  result: QueryResult,
  { stats, queuedMs }: Rendering,
): Uint8Array[] {
  const { queriedPerStep, stagesMs, peakSamples } = result.stats;
  const { preparation, evaluation, sort } = stagesMs;
  const evaluationMs = preparation + evaluation + sort;
  const timings = {
    evalTotalTime: evaluationMs / 1_000,
    resultSortTime: sort / 1_000,
    queryPreparationTime: preparation / 1_000,
    innerEvalTime: evaluation / 1_000,
    execQueueTime: queuedMs / 1_000,
    execTotalTime: (queuedMs + evaluationMs) / 1_000,
  };
  const samples = {
    ...(stats === 'all' && { totalQueryableSamplesPerStep: samplesPerStep(result) }),
    totalQueryableSamples: queriedPerStep.reduce((total, count) => total + count, 0),
    peakSamples,
  };
  const last = data[data.length - 1];
  const reopened = last.subarray(0, last.length - 1);
  const tail = Buffer.from(`,"stats":${JSON.stringify({ timings, samples })}}`);
  return [...data.slice(0, -1), reopened, tail];
}

function samplesPerStep(result: QueryResult): [timeSeconds: number, samples: number][] {
  const { startMs, stepMs } = gridOf(result);
  return [...result.stats.queriedPerStep].map((count, step) => [(startMs + step * stepMs) / 1_000, count]);
}

function gridOf(result: QueryResult): { startMs: number; stepMs: number } {
  return result.type === 'matrix' ? result.grid : { startMs: result.timeMs, stepMs: 0 };
}
