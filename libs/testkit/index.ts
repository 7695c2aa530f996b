export { type Fuzz, fuzz } from './fuzz.ts';
export { EDGE_CASES } from './promql-edge-cases.ts';
export { mutateQuery, QueryGenerator, type RandomSource } from './promql-queries.ts';
export { refusedConnection, refusedPort } from './refused-port.ts';
export {
  type ReadChunk,
  type ReadFrame,
  type ReadSeries,
  readChunkedAnswer,
  readFrames,
  readSamplesAnswer,
} from './remote-read/answers.ts';
export {
  type ChunkHistogram,
  type ChunkSample,
  type DecodedChunk,
  decodePrometheusChunk,
  STALE_BITS,
} from './remote-read/prometheus-chunks.ts';
export { type AskedQuery, readRequestBody, readRequestBytes } from './remote-read/request.ts';
export { type CertificateNames, type IssuedCertificate, TestAuthority } from './test-authority.ts';
