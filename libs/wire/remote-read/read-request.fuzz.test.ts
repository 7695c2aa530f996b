import assert from 'node:assert/strict';
import test from 'node:test';
import { type AskedQuery, fuzz, readRequestBytes } from '@xscaler/testkit';
import { decodeReadRequest, type RemoteReadRequest } from './read-request.ts';

const REQUEST = readRequestBytes(
  [
    {
      startMs: -5,
      endMs: 1_700_000_000_000,
      matchers: [
        ['job', '=~', 'a|b'],
        ['__name__', '=', 'up'],
      ],
    },
    { startMs: 1_600_000_000_000, endMs: 1_700_000_000_000, matchers: [['zone', '!~', 'ü.*']] },
  ],
  [1, 0],
);

test('remote read: mutated requests decode or are refused; what decodes means the same once encoded again', async (t) => {
  let compared = 0;
  const decodes = (damaged: Uint8Array): boolean => {
    let request: RemoteReadRequest;
    try {
      request = decodeReadRequest(damaged);
    } catch (error) {
      const { name, stack } = error as Error;
      assert.equal(name, 'DecodeError', String(stack));
      return false;
    }
    if (canBeEncoded(request)) {
      assert.deepEqual(decodeReadRequest(encoded(request)), request);
      compared++;
    }
    return true;
  };
  await fuzz(t, { everyDay: 20_000, bodies: [REQUEST], decodes });
  assert.ok(compared > 500, `${compared}`);
});

/** Numbers beyond 53 bits are infinities, which have no way back. */
function canBeEncoded({ queries, acceptedTypes }: RemoteReadRequest): boolean {
  const times = queries.flatMap(({ startMs, endMs }) => [startMs, endMs]);
  return [...times, ...acceptedTypes].every(Number.isSafeInteger);
}

function encoded({ queries, acceptedTypes }: RemoteReadRequest): Uint8Array {
  const asked = queries.map(({ startMs, endMs, matchers }): AskedQuery => {
    return { startMs, endMs, matchers: matchers.map(({ name, type, value }) => [name, type, value]) };
  });
  return readRequestBytes(asked, acceptedTypes);
}
