import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from './gateway-under-test.ts';

const PATH = '/api/v1/admin/tsdb/delete_series';

const headersOf = (scope: string, tenant = 'acme') => ({
  authorization: `Bearer acme:${scope}`,
  'x-scope-orgid': tenant,
});

test('administration is for tokens of the admin scope and goes to a distributor', async () => {
  await using gateway = await startGateway();
  for (const prefix of ['', '/prometheus']) {
    const response = await gateway.fetch(`${prefix}${PATH}?match[]=up`, {
      method: 'POST',
      headers: headersOf('admin'),
    });
    assert.equal(response.status, 204);
  }
  const receipt = await gateway.fetch(`${PATH}/abc-1`, { headers: headersOf('admin') });
  assert.equal(receipt.status, 204);
  assert.deepEqual(
    gateway.distributor.requests.map(({ method, path, query, tenant }) => [method, path, query, tenant]),
    [
      ['POST', PATH, 'match[]=up', 'acme'],
      ['POST', PATH, 'match[]=up', 'acme'],
      ['GET', `${PATH}/abc-1`, '', 'acme'],
    ],
  );
  assert.deepEqual(gateway.querier.requests, []);
});

test('who administrates, and from where, is told by the gateway and by nobody else', async () => {
  await using gateway = await startGateway();
  const forged = { 'x-token-id': 'forged', 'x-client-address': '192.0.2.9' };
  const headers = { ...headersOf('admin'), ...forged };
  await gateway.fetch(`${PATH}?match[]=up`, { method: 'POST', headers });
  await gateway.fetch('/api/v1/push', { method: 'POST', headers: { ...headersOf('write'), ...forged } });
  const [deletion, push] = gateway.distributor.requests;
  assert.equal(deletion.headers['x-token-id'], 'token-1');
  assert.match(deletion.headers['x-client-address'], /^(::ffff:)?127\.0\.0\.1$/);
  assert.equal(push.headers['x-token-id'], undefined);
  assert.equal(push.headers['x-client-address'], undefined);
});

test('tokens that read and write administrate nothing, and an admin token does neither', async () => {
  await using gateway = await startGateway();
  for (const scope of ['read', 'write', 'read+write']) {
    const response = await gateway.fetch(PATH, { method: 'POST', headers: headersOf(scope) });
    assert.equal(response.status, 403);
    const { status, error } = (await response.json()) as { status: string; error: string };
    assert.deepEqual([status, error], ['error', 'token lacks the admin scope']);
  }
  const other = await gateway.fetch(PATH, { method: 'POST', headers: headersOf('admin', 'other') });
  assert.equal(other.status, 401);
  const query = await gateway.fetch('/api/v1/query?query=up', { headers: headersOf('admin') });
  assert.equal(query.status, 403);
  const push = await gateway.fetch('/api/v1/push', { method: 'POST', headers: headersOf('admin') });
  assert.equal(push.status, 403);
  assert.deepEqual(gateway.distributor.requests, []);
});
