export { EDGE_CASES } from './promql-edge-cases.ts';
export { mutateQuery, QueryGenerator, type RandomSource } from './promql-queries.ts';
