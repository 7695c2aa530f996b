import type { QueryResult } from '@xscaler/promql';
import { successJson } from './envelope.ts';
import type { EvaluationReply } from './evaluation-api.ts';

interface Rendering {
  /** Timings, where `stats` was asked for. */
  readonly stats: { readonly evalSeconds: number } | undefined;
  readonly warnings: readonly string[];
}

/** Puts an evaluated result into the Prometheus envelope. `data` is the JSON of `data` in pieces, without stats. */
export function renderAnswer(
  result: QueryResult,
  data: readonly Uint8Array[],
  rendering: Rendering,
): EvaluationReply {
  const warnings = [...result.warnings, ...rendering.warnings];
  const answer = successJson(rendering.stats ? withStats(data, result, rendering.stats) : data, {
    warnings,
    infos: result.infos,
  });
  return { ...answer, samplesRead: result.stats.samplesRead };
}

function withStats(
  data: readonly Uint8Array[],
  result: QueryResult,
  { evalSeconds }: { evalSeconds: number },
): Uint8Array[] {
  const stats = {
    timings: { evalTotalTime: evalSeconds, execTotalTime: evalSeconds },
    samples: { totalQueryableSamples: result.stats.samplesRead, peakSamples: result.stats.peakSamples },
  };
  const last = data[data.length - 1];
  const reopened = last.subarray(0, last.length - 1);
  return [...data.slice(0, -1), reopened, Buffer.from(`,"stats":${JSON.stringify(stats)}}`)];
}
