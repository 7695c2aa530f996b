import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LimitError } from '@xscaler/promql';
import { UnavailableError } from '@xscaler/rpc';
import { evaluationFailure } from './evaluation-failure.ts';

/** Errors thrown by V8. */
function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('it was possible');
}

test('a query too large for its thread is answered as an error of the query', () => {
  const endless = (): number => 1 + endless();
  const tooLarge = [
    thrownBy(endless),
    thrownBy(() => new ArrayBuffer(Number.MAX_SAFE_INTEGER)),
    thrownBy(() => new Float64Array(2 ** 40)),
    thrownBy(() => new Array(-1)),
    thrownBy(() => 'x'.repeat(2 ** 30)),
    thrownBy(() => new SharedArrayBuffer(Number.MAX_SAFE_INTEGER)),
  ];
  for (const error of tooLarge) {
    const { status, body, thrown } = evaluationFailure(error);
    assert.equal(status, 422, String(error));
    assert.equal(thrown, undefined);
    assert.doesNotMatch(Buffer.from(body[0]).toString(), /Array|stack|string length/);
  }
  assert.equal(evaluationFailure(new LimitError('max_samples_per_query', 'too many samples')).status, 422);
});

test('a failed read or a bug is passed to the main thread, which logs it', () => {
  const others = [
    new UnavailableError('partition 3 is stopped'),
    thrownBy(() => new DataView(new ArrayBuffer(1)).getFloat64(0)),
    thrownBy(() => (undefined as unknown as string).length),
    thrownBy(() => (1.5).toFixed(101)),
  ];
  for (const error of others) {
    const { body, thrown } = evaluationFailure(error);
    assert.deepEqual(body, []);
    assert.partialDeepStrictEqual(thrown, { name: (error as Error).name, message: (error as Error).message });
  }
});
