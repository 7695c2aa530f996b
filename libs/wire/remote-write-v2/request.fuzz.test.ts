import test from 'node:test';
import { fuzzFormat } from '../remote-write.testbed.ts';
import { encodeWriteRequestV2 } from './request-encoder.ts';
import { WriteRequestV2Reader } from './request-reader.ts';

test('remote write 2.0: mutated requests decode or are refused; what decodes means the same once encoded again', (t) => {
  const reader = new WriteRequestV2Reader();
  return fuzzFormat(t, { reader, encode: (series) => encodeWriteRequestV2(series) });
});
