import test from 'node:test';
import { fuzzFormat } from '../remote-write.testbed.ts';
import { encodeWriteRequest } from './request-encoder.ts';
import { WriteRequestReader } from './request-reader.ts';

test('remote write 1.0: mutated requests decode or are refused; what decodes means the same once encoded again', (t) => {
  const reader = new WriteRequestReader();
  return fuzzFormat(t, { reader, encode: (series) => encodeWriteRequest(series) });
});
