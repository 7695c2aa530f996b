import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../answer/api-error.ts';
import { formatQuery, parseQuery } from './language-handlers.ts';
import { Parameters } from './parameters.ts';
import type { ReadHandler } from './read-request.ts';

async function ask(handler: ReadHandler, query: string): Promise<unknown> {
  const parameters = new Parameters({
    tenant: 'a',
    method: 'POST',
    path: '',
    query: '',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: Buffer.from(new URLSearchParams({ query }).toString()),
  });
  const request = {
    tenant: 'a',
    parameters,
    headers: {},
    body: new Uint8Array(0),
    arrival: undefined,
    requestId: 'a',
  };
  const { status, body } = await handler(request, new AbortController().signal);
  assert.equal(status, 200);
  return JSON.parse(Buffer.from(body).toString()).data;
}

test('format_query gives the query in canonical spelling', async () => {
  assert.equal(await ask(formatQuery, 'SUM(foo)BY(job)>1'), 'sum by (job) (foo) > 1');
});

test('parse_query gives the query as a tree', async () => {
  const selector = {
    type: 'vectorSelector',
    name: 'foo',
    matchers: [{ name: '__name__', type: '=', value: 'foo' }],
    offset: 0,
    offsetExpr: null,
    timestamp: null,
    startOrEnd: null,
    anchored: false,
    smoothed: false,
  };
  const two = { type: 'numberLiteral', val: '2' };
  const tree = { type: 'binaryExpr', op: '>', bool: true, lhs: selector, rhs: two, matching: null };
  assert.deepEqual(await ask(parseQuery, 'foo > bool 2'), tree);
});

test('a query that does not parse or is too long is refused with the reason', async () => {
  for (const handler of [formatQuery, parseQuery]) {
    await assert.rejects(
      ask(handler, 'sum('),
      new ApiError('bad_data', 'invalid parameter "query": 1:5: parse error: unclosed left parenthesis'),
    );
    await assert.rejects(ask(handler, 'a'.repeat(200_000)), /longer than 65536 characters/);
  }
});
