import type { AggregateOperator } from '../../syntax/ast.ts';
import { Count } from './count.ts';
import { Extreme } from './extreme.ts';
import { Group } from './group.ts';
import { Mean } from './mean.ts';
import type { Reducer, Reduction } from './reducer.ts';
import { Sum } from './sum.ts';
import { Variance } from './variance.ts';

/** Aggregations with one value for each group and step. */
export type ReducerName = Extract<
  AggregateOperator,
  'sum' | 'avg' | 'min' | 'max' | 'count' | 'group' | 'stddev' | 'stdvar'
>;

type Factory = (reduction: Reduction) => Reducer;

const factories: Record<ReducerName, Factory> = {
  sum: (reduction) => new Sum(reduction),
  avg: (reduction) => new Mean(reduction),
  min: (reduction) => new Extreme(reduction, false),
  max: (reduction) => new Extreme(reduction, true),
  count: (reduction) => new Count(reduction),
  group: (reduction) => new Group(reduction),
  stddev: (reduction) => new Variance(reduction, true),
  stdvar: (reduction) => new Variance(reduction, false),
};

export function reducerFor(name: ReducerName, reduction: Reduction): Reducer {
  return factories[name](reduction);
}
