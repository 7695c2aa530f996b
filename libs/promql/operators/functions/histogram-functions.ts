import type { FloatHistogram } from '@xscaler/model';
import { histogramVariance } from '../../histograms/statistics.ts';
import type { Call } from '../../syntax/ast.ts';
import type { FunctionName } from '../../syntax/signatures.ts';
import { FLOAT, HISTOGRAM, type StepGrid } from '../../vectors/query.ts';
import type { StepBlock } from '../../vectors/step-block.ts';
import type { Evaluation } from '../evaluation.ts';
import {
  evaluateHistogramFraction,
  evaluateHistogramQuantile,
  evaluateHistogramQuantiles,
} from './histogram-quantile.ts';

/** All functions of histograms. */
export type HistogramFunctionName = Extract<FunctionName, `histogram_${string}`>;

type VectorFunction = (evaluation: Evaluation, call: Call, grid: StepGrid) => StepBlock;

export const histogramFunctions: Record<HistogramFunctionName, VectorFunction> = {
  histogram_avg: ofEach((histogram) => histogram.sum / histogram.count),
  histogram_count: ofEach((histogram) => histogram.count),
  histogram_fraction: evaluateHistogramFraction,
  histogram_quantile: evaluateHistogramQuantile,
  histogram_quantiles: evaluateHistogramQuantiles,
  histogram_stddev: ofEach((histogram) => Math.sqrt(histogramVariance(histogram))),
  histogram_stdvar: ofEach(histogramVariance),
  histogram_sum: ofEach((histogram) => histogram.sum),
};

/** A function of each native histogram; floats are left out. */
function ofEach(fn: (histogram: FloatHistogram) => number): VectorFunction {
  return (evaluation, call, grid) => {
    const block = evaluation.vector(call.args[0], grid);
    const cells = block.rows * block.steps;
    for (let i = 0; i < cells; i++) {
      if (block.present[i] === HISTOGRAM) {
        block.values[i] = fn(block.histogramAt(i));
        block.present[i] = FLOAT;
      } else block.present[i] = 0;
    }
    block.histograms = undefined;
    return evaluation.dropNames(block.withoutEmptyRows());
  };
}
