import assert from 'node:assert/strict';
import test from 'node:test';
import type { UpstreamResponse } from '@xscaler/rpc';
import { refusedConnection } from '@xscaler/testkit';
import { readRpcStatus } from '@xscaler/wire/otlp';
import { encodeWriteRequest } from '@xscaler/wire/remote-write';
import { packSnappy } from '@xscaler/wire/snappy';
import { WriteLogError } from '@xscaler/writelog';
import { HEADERS, NOW_MS, series, setUp, textOf } from './distributor.testbed.ts';

const REQUEST_ID = { 'x-request-id': 'req-7' };
const BUG = new TypeError("Cannot read properties of undefined (reading 'offset')");

interface Logged {
  readonly level: 'warn' | 'error';
  readonly fields: object;
}

/** A distributor whose log fails so. */
function failing(failure: unknown) {
  const logged: Logged[] = [];
  const logger = {
    warn: (fields: object) => logged.push({ level: 'warn', fields }),
    error: (fields: object) => logged.push({ level: 'error', fields }),
  };
  const bed = setUp({}, { logger }, 1);
  bed.log.failing.set(0, failure as WriteLogError);
  return { ...bed, logged };
}

const REMOTE_WRITE = packSnappy(encodeWriteRequest([series({ __name__: 'up' })]));

const OTLP_JSON = Buffer.from(
  JSON.stringify({
    resourceMetrics: [
      {
        scopeMetrics: [
          {
            metrics: [
              { name: 'up', gauge: { dataPoints: [{ timeUnixNano: `${NOW_MS}000000`, asDouble: 1 }] } },
            ],
          },
        ],
      },
    ],
  }),
);

const JSON_TYPE = { 'content-type': 'application/json' };

/** The answer has no detail of the error, an address or the code. */
function assertTellsNothing(answer: UpstreamResponse): void {
  assert.doesNotMatch(
    textOf(answer),
    /ECONN|127\.0\.0\.1|Cannot read|undefined|TypeError|\.ts| at .*:|\/var\//,
  );
}

test('a bug is a 500 that names only the request; it is logged once, with its stack', async () => {
  const { post, logged } = failing(BUG);
  const answer = await post(REMOTE_WRITE, { ...HEADERS, ...REQUEST_ID });
  assert.equal(answer.status, 500);
  assert.equal(textOf(answer), 'internal error, request req-7\n');
  const fields = { requestId: 'req-7', tenant: 'acme', path: '/api/v1/push', err: BUG };
  assert.deepEqual(logged, [{ level: 'error', fields }]);
});

test('a bug is a Status with code INTERNAL for OTLP clients', async () => {
  const { postOtlp } = failing(BUG);
  const answer = await postOtlp(OTLP_JSON, { ...JSON_TYPE, ...REQUEST_ID });
  assert.equal(answer.status, 500);
  assert.deepEqual(JSON.parse(textOf(answer)), { code: 13, message: 'internal error, request req-7' });
});

test('a request without an id gets one, the same in its answer and in the log', async () => {
  const { post, logged } = failing(BUG);
  const [, id] = /^internal error, request ([0-9a-f-]{36})\n$/.exec(textOf(await post(REMOTE_WRITE))) ?? [];
  assert.equal((logged[0].fields as { requestId: string }).requestId, id);
});

test('a known passing failure is a 503 with our own text and Retry-After; the log has the error', async () => {
  const refused = await refusedConnection();
  const cases: [Error, string][] = [
    [refused, 'a service that is needed cannot be reached'],
    [new WriteLogError('unavailable', refused.message), 'the write log is not available'],
    [new WriteLogError('disk_full', 'write ENOSPC /var/lib/x'), 'the disk of the write log is full'],
    [new WriteLogError('damaged', '/var/lib/x is damaged'), 'the file of the write log is damaged'],
    [new WriteLogError('closed', 'at 127.0.0.1'), 'the service is stopping'],
  ];
  for (const [failure, text] of cases) {
    const { post, postOtlp, logged } = failing(failure);
    const answer = await post(REMOTE_WRITE, { ...HEADERS, ...REQUEST_ID });
    assert.equal(answer.status, 503);
    assert.equal(textOf(answer), `${text}\n`);
    assert.ok(Number(answer.headers['retry-after']) >= 1);
    assertTellsNothing(answer);
    assert.deepEqual(
      logged.map(({ level, fields }) => [level, (fields as { err: unknown }).err]),
      [['warn', failure]],
    );
    const otlp = await postOtlp(OTLP_JSON, { ...JSON_TYPE, ...REQUEST_ID });
    assert.equal(otlp.status, 503);
    assert.equal(JSON.parse(textOf(otlp)).code, 14);
    assertTellsNothing(otlp);
  }
});

test('a bug before anything is appended is a 500 too, in protobuf if that was sent', async () => {
  const limitsOf = () => {
    throw BUG;
  };
  const { postOtlp, post } = setUp({}, { limitsOf }, 1);
  const answer = await postOtlp(new Uint8Array(0), REQUEST_ID);
  assert.equal(answer.status, 500);
  assert.deepEqual(readRpcStatus(answer.body), { code: 13, message: 'internal error, request req-7' });
  assert.equal((await post(REMOTE_WRITE)).status, 500);
});
