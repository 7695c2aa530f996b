export { ChunkedResponseWriter } from './remote-read/chunked-response.ts';
export {
  decodeReadRequest,
  type ReadMatcher,
  type ReadQuery,
  type RemoteReadRequest,
  SAMPLES,
  STREAMED_XOR_CHUNKS,
} from './remote-read/read-request.ts';
export { SamplesResponseWriter } from './remote-read/samples-response.ts';
