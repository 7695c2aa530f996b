import type { QueryResult, SeriesBlock } from '@xscaler/promql';

/** The first `limit` series of a vector or matrix (0: all), and whether any were cut. */
export function limited(result: QueryResult, limit: number): { result: QueryResult; truncated: boolean } {
  if (limit === 0) return { result, truncated: false };
  if (result.type === 'vector' || result.type === 'matrix') {
    const { block } = result;
    if (block.labels.length <= limit) return { result, truncated: false };
    return { result: { ...result, block: firstRows(block, limit) }, truncated: true };
  }
  if (result.type === 'samples' && result.series.length > limit) {
    return { result: { ...result, series: result.series.slice(0, limit) }, truncated: true };
  }
  return { result, truncated: false };
}

function firstRows(block: SeriesBlock, rows: number): SeriesBlock {
  const cells = rows * block.steps;
  return {
    labels: block.labels.slice(0, rows),
    steps: block.steps,
    values: block.values.subarray(0, cells),
    present: block.present.subarray(0, cells),
    histograms: block.histograms?.slice(0, cells),
  };
}
