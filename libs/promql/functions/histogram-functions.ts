import type { FloatHistogram } from '@xscaler/model';
import type { Call } from '../ast.ts';
import type { Evaluator } from '../evaluator.ts';
import { histogramVariance } from '../histograms/statistics.ts';
import { FLOAT, HISTOGRAM, type StepGrid } from '../query.ts';
import type { FunctionName } from '../signatures.ts';
import type { StepBlock } from '../step-block.ts';
import {
  evaluateHistogramFraction,
  evaluateHistogramQuantile,
  evaluateHistogramQuantiles,
} from './histogram-quantile.ts';

/** All functions of histograms. */
export type HistogramFunctionName = Extract<FunctionName, `histogram_${string}`>;

type VectorFunction = (evaluator: Evaluator, call: Call, grid: StepGrid) => StepBlock;

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
  return (evaluator, call, grid) => {
    const block = evaluator.vector(call.args[0], grid);
    const cells = block.rows * block.steps;
    for (let i = 0; i < cells; i++) {
      if (block.present[i] === HISTOGRAM) {
        block.values[i] = fn(block.histogramAt(i));
        block.present[i] = FLOAT;
      } else block.present[i] = 0;
    }
    block.histograms = undefined;
    return evaluator.dropNames(block.withoutEmptyRows());
  };
}
