import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type IngesterApi, type IngesterRead, UnavailableError } from '@xscaler/rpc';
import { LoggedReads } from './logged-reads.ts';

const READ: IngesterRead = {
  tenant: 'acme',
  matcherSets: [],
  startMs: 0,
  endMs: 1,
  minOffsets: {},
  requestId: 'req-7',
};

const COSTLY = Object.assign(new Error('the regular expressions take too long'), { code: 'pattern_cost' });

test('a read that fails because of a bug is logged with its request id; other failures are not', async () => {
  const { signal } = new AbortController();
  const logged: object[] = [];
  let error: Error;
  const fail = async () => {
    throw error;
  };
  const failing = {
    // biome-ignore lint/correctness/useYield: it fails first
    async *select() {
      throw error;
    },
    labelNames: fail,
    labelValues: fail,
    series: fail,
    exemplars: fail,
    cardinality: fail,
    metadata: fail,
    activeIds: fail,
  } as unknown as IngesterApi;
  const reads = new LoggedReads(failing, { error: (fields) => logged.push(fields) });
  const calls: (() => Promise<unknown>)[] = [
    async () => {
      for await (const _ of reads.select(READ, signal));
    },
    () => reads.labelNames(READ, signal),
    () => reads.labelValues({ ...READ, name: 'job' }, signal),
    () => reads.series(READ, signal),
    () => reads.exemplars(READ, signal),
    () => reads.cardinality(READ, signal),
    () => reads.metadata({ ...READ, metric: undefined }, signal),
    () => reads.activeIds(READ, signal),
  ];
  for (const call of calls) {
    for (error of [new UnavailableError('partition 3 is stopped'), COSTLY]) {
      await assert.rejects(call(), error);
      assert.deepEqual(logged, []);
    }
    error = new TypeError('a bug');
    await assert.rejects(call(), error);
    assert.deepEqual(logged.splice(0), [{ requestId: 'req-7', tenant: 'acme', err: error }]);
  }
});
