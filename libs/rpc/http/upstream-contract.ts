import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { never, until } from '../test-peers/scripted-ingester.ts';
import { PUSH, ScriptedUpstream } from '../test-peers/scripted-upstream.ts';
import type { Upstream, UpstreamRequest } from './http-exchange.ts';

/** Serves an upstream and connects to it, until the test ends. */
export type ConnectUpstream = (t: TestContext, served: Upstream) => Promise<Upstream>;

/** What holds for a service behind any connection. */
export function testUpstreamContract(half: string, connect: ConnectUpstream): void {
  const start = async (t: TestContext) => {
    const served = new ScriptedUpstream();
    return { served, upstream: await connect(t, served) };
  };
  testExchanges(half, start);
  testFailures(half, start);
}

type Start = (t: TestContext) => Promise<{ served: ScriptedUpstream; upstream: Upstream }>;

const headers = fc.dictionary(
  fc.stringMatching(/^x-[a-z]{1,8}$/),
  fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/),
  { noNullPrototype: true, maxKeys: 6 },
);
const bodies = fc.oneof(
  fc.uint8Array(),
  fc.nat(2_000_000).map((size) => new Uint8Array(size).fill(size % 251)),
);
const requests: fc.Arbitrary<UpstreamRequest> = fc.record({
  tenant: fc.stringMatching(/^[A-Za-z0-9!_.*'()-]{1,150}$/),
  method: fc.constantFrom('POST', 'PUT'),
  path: fc.stringMatching(/^\/[A-Za-z0-9/._~%-]{0,30}$/).filter((path) => !path.startsWith('//')),
  query: fc.stringMatching(/^[A-Za-z0-9=&+%?{}[\]"-]{0,60}$/),
  headers,
  body: bodies,
});

function testExchanges(half: string, start: Start): void {
  test(`${half}: request and response arrive as they were sent`, async (t) => {
    const { served, upstream } = await start(t);
    const responses = fc.record({
      status: fc.constantFrom(200, 202, 400, 404, 422, 429, 500, 503),
      headers,
      body: bodies,
    });
    await fc.assert(
      fc.asyncProperty(requests, responses, async (request, response) => {
        served.response = response;
        const answer = await upstream.handle({ ...request, body: request.body.slice() }, never);
        assertSame(served.requests.pop()!, request);
        assertSame(answer, response);
      }),
      { numRuns: 60 },
    );
  });

  test(`${half}: reads without a body, answers without one`, async (t) => {
    const { served, upstream } = await start(t);
    const request = { ...PUSH, method: 'GET', path: '/api/v1/query', query: 'a=1?', body: new Uint8Array(0) };
    assert.deepEqual(await upstream.handle(request, never), {
      status: 204,
      headers: {},
      body: new Uint8Array(0),
    });
    assertSame(served.requests[0], request);
  });

  test(`${half}: a body owns its buffer on both sides`, async (t) => {
    const { served, upstream } = await start(t);
    for (const size of [1, 60_000, 3_000_000]) {
      served.response = { status: 200, headers: {}, body: new Uint8Array(size) };
      const answer = await upstream.handle({ ...PUSH, body: new Uint8Array(size) }, never);
      assert.equal(answer.body.buffer.byteLength, size);
      assert.equal(served.requests.pop()?.body.buffer.byteLength, size);
    }
  });

  test(`${half}: many requests at once each get their own answer`, async (t) => {
    const echo: Upstream = {
      handle: async ({ body }) => {
        await new Promise((resolve) => setTimeout(resolve, body[0] % 5));
        return { status: 200, headers: {}, body };
      },
    };
    const upstream = await connectOnly(start, t, echo);
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        upstream.handle({ ...PUSH, body: new Uint8Array(5000).fill(i) }, never),
      ),
    );
    for (const [i, { body }] of answers.entries()) assert.deepEqual(body, new Uint8Array(5000).fill(i));
  });
}

/** Serves `upstream` in the place of the scripted one. */
async function connectOnly(start: Start, t: TestContext, upstream: Upstream): Promise<Upstream> {
  const { served, upstream: client } = await start(t);
  served.handle = upstream.handle;
  return client;
}

function testFailures(half: string, start: Start): void {
  test(`${half}: errors come with name, message and code`, async (t) => {
    const { served, upstream } = await start(t);
    served.error = Object.assign(new RangeError('too far – €'), { code: 'out_of_range' });
    const expected = { name: 'RangeError', code: 'out_of_range', message: 'too far – €' };
    await assert.rejects(upstream.handle(PUSH, never), expected);
    served.error = 'just text';
    await assert.rejects(upstream.handle(PUSH, never), { name: 'Error', message: 'just text' });
    served.error = undefined;
    assert.equal((await upstream.handle(PUSH, never)).status, 204);
  });

  test(`${half}: aborting a request rejects it with the reason and aborts the signal over there`, async (t) => {
    const { served, upstream } = await start(t);
    served.hangs = true;
    const reason = new Error('enough');
    const canceler = new AbortController();
    const request = upstream.handle(PUSH, canceler.signal);
    await until(() => served.signals.length === 1);
    assert.equal(served.signals[0].aborted, false);
    canceler.abort(reason);
    await assert.rejects(request, reason);
    await until(() => served.signals[0].aborted);
  });

  test(`${half}: a request that is cancelled before it began is never made`, async (t) => {
    const { served, upstream } = await start(t);
    const reason = new Error('enough');
    await assert.rejects(upstream.handle(PUSH, AbortSignal.abort(reason)), reason);
    await upstream.handle(PUSH, never);
    assert.equal(served.requests.length, 1);
  });
}

type Exchanged = { readonly body: Uint8Array };

function assertSame<T extends Exchanged>(actual: T, expected: T): void {
  assert.deepEqual({ ...actual, body: 0 }, { ...expected, body: 0 });
  assert.equal(Buffer.compare(actual.body, expected.body), 0);
}
