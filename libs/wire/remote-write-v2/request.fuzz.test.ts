import test from 'node:test';
import { fuzzFormat } from '../remote-write.testbed.ts';
import { encodeWriteRequestV2 } from './request-encoder.ts';
import { WriteRequestV2Reader } from './request-reader.ts';

test('mutated requests decode or are refused; what decodes means the same once encoded again', () => {
  const reader = new WriteRequestV2Reader();
  fuzzFormat({ reader, encode: (series) => encodeWriteRequestV2(series), seed: 815 });
});
