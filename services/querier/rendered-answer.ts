import type { QueryResult } from '@xscaler/promql';
import { successJson } from './envelope.ts';
import type { EvaluationReply } from './evaluation-api.ts';

interface Rendering {
  /** Timings, where `stats` was asked for. */
  readonly stats: { readonly evalSeconds: number } | undefined;
  readonly warnings: readonly string[];
}

/** Puts an evaluated result into the Prometheus envelope. `data` is the JSON of `data`, without stats. */
export function renderAnswer(result: QueryResult, data: Uint8Array, rendering: Rendering): EvaluationReply {
  const warnings = [...result.warnings, ...rendering.warnings];
  const answer = successJson(rendering.stats ? withStats(data, result, rendering.stats) : data, {
    warnings,
    infos: result.infos,
  });
  return { ...answer, samplesRead: result.stats.samplesRead };
}

function withStats(
  data: Uint8Array,
  result: QueryResult,
  { evalSeconds }: { evalSeconds: number },
): Uint8Array {
  const stats = {
    timings: { evalTotalTime: evalSeconds, execTotalTime: evalSeconds },
    samples: { totalQueryableSamples: result.stats.samplesRead, peakSamples: result.stats.peakSamples },
  };
  const open = data.subarray(0, data.length - 1);
  return Buffer.concat([open, Buffer.from(`,"stats":${JSON.stringify(stats)}}`)]);
}
