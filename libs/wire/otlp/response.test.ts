import assert from 'node:assert/strict';
import test from 'node:test';
import { exportResponse, exportResponseJson, readRpcStatus, rpcStatus, rpcStatusJson } from './response.ts';

test('a response is empty if everything was stored, else it counts and tells', () => {
  assert.equal(exportResponse(undefined).length, 0);
  assert.equal(exportResponseJson(undefined), '{}');
  const partial = { rejectedDataPoints: 300, errorMessage: 'too old' };
  assert.deepEqual(
    [...exportResponse(partial)],
    [0x0a, 12, 0x08, 0xac, 0x02, 0x12, 7, ...Buffer.from('too old')],
  );
  assert.deepEqual(JSON.parse(exportResponseJson(partial)), {
    partialSuccess: { rejectedDataPoints: '300', errorMessage: 'too old' },
  });
});

test('a status says when to come again if that makes sense', () => {
  const bad = { code: 3, message: 'bad' };
  assert.deepEqual(readRpcStatus(rpcStatus(bad)), bad);
  assert.equal(rpcStatusJson(bad), '{"code":3,"message":"bad"}');
  const later = { code: 14, message: 'later', retryAfterMs: 2500 };
  assert.deepEqual(readRpcStatus(rpcStatus(later)), { code: 14, message: 'later' });
  const type = 'type.googleapis.com/google.rpc.RetryInfo';
  // any(type, RetryInfo { retry_delay: Duration { seconds: 2, nanos: 500,000,000 } })
  const delay = [0x08, 2, 0x10, 0x80, 0xca, 0xb5, 0xee, 0x01];
  const any = [0x0a, type.length, ...Buffer.from(type), 0x12, 2 + delay.length, 0x0a, delay.length, ...delay];
  assert.deepEqual(
    [...rpcStatus(later)],
    [0x08, 14, 0x12, 5, ...Buffer.from('later'), 0x1a, any.length, ...any],
  );
  assert.deepEqual(JSON.parse(rpcStatusJson(later)).details, [{ '@type': type, retryDelay: '2.5s' }]);
});
