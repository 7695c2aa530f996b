import test from 'node:test';
import { fuzzFormat } from '../remote-write.testbed.ts';
import { encodeWriteRequest } from './request-encoder.ts';
import { WriteRequestReader } from './request-reader.ts';

test('mutated requests decode or are refused; what decodes means the same once encoded again', () => {
  const reader = new WriteRequestReader();
  fuzzFormat({ reader, encode: (series) => encodeWriteRequest(series), seed: 816 });
});
