export { eventually, freePort, RunningProgram, sleep } from './child-process.ts';
export {
  type Answer,
  Client,
  dataOf,
  type Exchange,
  encodeParams,
  type MatrixSeries,
  type Params,
  type QueryData,
  type VectorSample,
} from './client.ts';
export { Prometheus, remoteWriteSection, startNodeExporter } from './prometheus.ts';
export { Random } from './random.ts';
export { ScriptedTarget } from './scripted-target.ts';
export { createTenant } from './tenants.ts';
export {
  type SampleValue,
  STALE_MARKER,
  series,
  snappyBody,
  type TimeSeries,
  type WriteRequest,
  writeRequestBytes,
} from './write-request.ts';
export { Xscaler, type XscalerOptions } from './xscaler.ts';
