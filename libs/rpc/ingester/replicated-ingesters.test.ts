import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { UnavailableError } from '../known-failure.ts';
import { connectGrpc, startGrpcIngester } from '../test-peers/grpc-service.ts';
import { startPeerProcess } from '../test-peers/peer-process.ts';
import { collect, never, READ, ScriptedIngester, until } from '../test-peers/scripted-ingester.ts';
import type { IngesterApi, IngesterRead } from './ingester-api.ts';
import type { IngesterReplica } from './replica-placement.ts';
import { ReplicatedIngesters, type ReplicatedIngestersOptions } from './replicated-ingesters.ts';

const READS: IngesterRead = { ...READ, minOffsets: { 0: 10, 1: 11, 2: 12, 3: 13 } };

/** Two zones of two ingesters each, which have partitions 0, 1 and 2, 3. */
function zones() {
  const [a0, a1, b0, b1] = Array.from({ length: 4 }, () => new ScriptedIngester());
  const replica = (name: string, api: IngesterApi): IngesterReplica => ({ name, api });
  const first = [replica('a/0', a0), replica('b/0', b0)];
  const second = [replica('a/1', a1), replica('b/1', b1)];
  const replicas = new Map([
    [0, first],
    [1, first],
    [2, second],
    [3, second],
  ]);
  return { a0, a1, b0, b1, replicas };
}

function over(
  replicas: ReadonlyMap<number, readonly IngesterReplica[]>,
  options: Partial<ReplicatedIngestersOptions> = {},
): ReplicatedIngesters {
  return new ReplicatedIngesters({ replicas: () => replicas, ...options });
}

test('partitions of one ingester are asked together, each of one zone, with its own offsets', async () => {
  const { a0, a1, b0, b1, replicas } = zones();
  a0.strings = ['b', 'a'];
  a1.strings = ['c', 'a'];
  assert.deepEqual(await over(replicas).labelNames(READS, never), ['a', 'b', 'c']);
  assert.deepEqual(a0.reads, [{ ...READ, partitions: [0, 1], minOffsets: { 0: 10, 1: 11 } }]);
  assert.deepEqual(a1.reads, [{ ...READ, partitions: [2, 3], minOffsets: { 2: 12, 3: 13 } }]);
  assert.equal(b0.reads.length + b1.reads.length, 0);
});

test('a read of some partitions asks for no others', async () => {
  const { a0, a1, replicas } = zones();
  await over(replicas).labelValues({ ...READS, name: 'job', partitions: [3] }, never);
  assert.equal(a0.reads.length, 0);
  assert.deepEqual(a1.reads, [{ ...READ, name: 'job', partitions: [3], minOffsets: { 3: 13 } }]);
});

test('answers of all partitions are merged', async () => {
  const { a0, a1, replicas } = zones();
  const ingesters = over(replicas);
  a0.labelSets = [
    ['__name__', 'up'],
    ['__name__', 'a'],
  ];
  a1.labelSets = [
    ['__name__', 'up'],
    ['__name__', 'b'],
  ];
  assert.deepEqual((await ingesters.series(READS, never)).flat(), [
    '__name__',
    'up',
    '__name__',
    'a',
    '__name__',
    'b',
  ]);

  const exemplar = (value: number) => ({ labels: ['trace', 'x'], value, timestampMs: 5 });
  a0.exemplarSeries = [{ labels: ['__name__', 'up'], exemplars: [exemplar(1), exemplar(Number.NaN)] }];
  a1.exemplarSeries = [
    { labels: ['__name__', 'up'], exemplars: [exemplar(1), exemplar(2)] },
    { labels: ['__name__', 'down'], exemplars: [exemplar(1)] },
  ];
  assert.deepEqual(await ingesters.exemplars(READS, never), [
    { labels: ['__name__', 'up'], exemplars: [exemplar(1), exemplar(Number.NaN), exemplar(2)] },
    { labels: ['__name__', 'down'], exemplars: [exemplar(1)] },
  ]);

  const up = { metric: 'up', type: 'gauge', help: 'whether', unit: '' } as const;
  a0.metrics = [up];
  a1.metrics = [{ ...up }, { ...up, metric: 'x' }];
  const read = { tenant: 'acme', metric: undefined, minOffsets: {} };
  assert.deepEqual(await ingesters.metadata(read, never), [up, { ...up, metric: 'x' }]);
});

test('if one ingester fails, its partitions are asked of the other zone', async () => {
  const { a0, b0, b1, replicas } = zones();
  a0.error = new Error('broken');
  b0.strings = ['from b'];
  const failovers: unknown[] = [];
  const ingesters = over(replicas, {
    onFailover: ({ replica, partitions }, error, requestId) =>
      failovers.push([replica.name, partitions, error, requestId]),
  });
  const requestId = 'req-7';
  assert.deepEqual(await ingesters.labelNames({ ...READS, requestId }, never), ['from b']);
  assert.deepEqual(b0.reads, [{ ...READ, requestId, partitions: [0, 1], minOffsets: { 0: 10, 1: 11 } }]);
  assert.equal(b1.reads.length, 0);
  assert.deepEqual(failovers, [['a/0', [0, 1], a0.error, requestId]]);
});

test('an ingester that failed is asked last until it has cooled down', async () => {
  const { a0, b0, replicas } = zones();
  let nowMs = 0;
  const circuit = { coolDownMs: 1000, clock: () => nowMs, random: () => 0.5 };
  const ingesters = over(replicas, { circuit });
  a0.error = new Error('broken');
  for (let i = 0; i < 3; i++) await ingesters.labelNames(READS, never);
  assert.deepEqual([a0.reads.length, b0.reads.length], [1, 3]);
  a0.error = undefined;
  b0.error = new Error('broken too');
  await ingesters.labelNames(READS, never);
  assert.deepEqual([a0.reads.length, b0.reads.length], [2, 4]);
  nowMs = 1001;
  await ingesters.labelNames(READS, never);
  assert.deepEqual([a0.reads.length, b0.reads.length], [3, 4]);
});

test('a partition that nobody can answer for is an error that names it and what was tried', async () => {
  const { a1, b1, replicas } = zones();
  a1.error = new UnavailableError('broken');
  b1.error = new UnavailableError('also broken');
  const ingesters = over(replicas);
  const expected = {
    name: 'UnavailableError',
    message: 'partition 2 cannot be read: broken; also broken',
  };
  await assert.rejects(ingesters.labelNames(READS, never), expected);
  const onceMore = over(replicas);
  await assert.rejects(collect(onceMore.select(READS, never)), expected);
});

test('a partition without an ingester is an error, known or asked for or written to', async () => {
  const { replicas } = zones();
  const expected = { code: 'unavailable', message: /partition 4 cannot be read: it has no live ingester/ };
  const ingesters = over(replicas);
  await assert.rejects(ingesters.series({ ...READ, partitions: [4] }, never), expected);
  await assert.rejects(ingesters.series({ ...READ, minOffsets: { 4: 1 } }, never), expected);
  await assert.rejects(collect(over(new Map([...replicas, [4, []]])).select(READ, never)), expected);
});

test('a bug that one zone has is what the read fails by, if the other zone cannot answer either', async () => {
  const { a1, b1, replicas } = zones();
  a1.error = new TypeError('Cannot read properties of undefined');
  b1.error = new UnavailableError('partition 2 is stopped');
  await assert.rejects(over(replicas).labelNames(READS, never), a1.error as Error);
  await assert.rejects(collect(over(replicas).select(READS, never)), a1.error as Error);
  b1.error = undefined;
  b1.strings = ['from b'];
  assert.deepEqual(await over(replicas).labelNames(READS, never), ['from b']);
});

test('a final error ends the read at once', async () => {
  const { a0, b0, replicas } = zones();
  const limit = Object.assign(new Error('too many series'), { code: 'limit' });
  a0.error = limit;
  const ingesters = over(replicas, { isFinal: (error) => (error as { code?: string }).code === 'limit' });
  await assert.rejects(ingesters.labelNames(READS, never), limit);
  await assert.rejects(collect(ingesters.select(READS, never)), limit);
  assert.equal(b0.reads.length, 0);
});

test('a read that fails cancels what is still running', async () => {
  const { a0, a1, b1, replicas } = zones();
  a0.hangs = true;
  a1.error = new UnavailableError('broken');
  b1.error = new UnavailableError('also broken');
  await assert.rejects(over(replicas).labelNames(READS, never), { code: 'unavailable' });
  await assert.rejects(collect(over(replicas).select(READS, never)), { code: 'unavailable' });
  assert.deepEqual(
    a0.signals.map(({ aborted }) => aborted),
    [true, true],
  );
  await until(() => a0.selectsLeft === 1);
});

test('a cancelled read asks nobody else', async () => {
  const { a0, a1, b0, b1, replicas } = zones();
  a0.hangs = true;
  a1.hangs = true;
  a0.frames = [new Uint8Array([1])];
  const ingesters = over(replicas);
  const reason = new Error('enough');
  for (const start of [
    (signal: AbortSignal) => ingesters.labelNames(READS, signal),
    (signal: AbortSignal) => collect(ingesters.select(READS, signal)),
  ]) {
    const canceler = new AbortController();
    const asked = a1.reads.length;
    const read = start(canceler.signal);
    await until(() => a1.reads.length > asked);
    canceler.abort(reason);
    await assert.rejects(read, reason);
  }
  assert.ok(a0.signals.every(({ aborted }) => aborted));
  assert.equal(b0.reads.length + b1.reads.length, 0);
  await assert.rejects(ingesters.labelNames(READS, AbortSignal.abort(reason)), reason);
});

test('a reader that leaves ends every stream', async () => {
  const { a0, a1, replicas } = zones();
  a0.frames = Array.from({ length: 50 }, () => new Uint8Array(1));
  a1.hangs = true;
  for await (const _frame of over(replicas).select(READS, never)) break;
  await until(() => a0.selectsLeft + a1.selectsLeft === 2);
  assert.ok(a0.framesMade < 5);
});

/** An ingester that has frames (partition, number) and fails after this many. */
class PartitionedIngester extends ScriptedIngester {
  readonly #framesEach: number;
  readonly #failsAfter: number;

  constructor(framesEach: number, failsAfter: number) {
    super();
    this.#framesEach = framesEach;
    this.#failsAfter = failsAfter;
  }

  override async *select({ partitions = [] }: IngesterRead): AsyncIterable<Uint8Array> {
    let sent = 0;
    for (let n = 0; n < this.#framesEach; n++) {
      for (const partition of partitions) {
        if (sent++ >= this.#failsAfter) throw new UnavailableError('died');
        yield new Uint8Array([partition, n]);
      }
    }
  }
}

test('whatever fails and when: every frame of every partition, or an error', async () => {
  const ingesters = fc.array(fc.record({ framesEach: fc.constant(3), failsAfter: fc.nat(20) }), {
    minLength: 1,
    maxLength: 5,
  });
  const assignment = fc.array(fc.array(fc.nat(4), { maxLength: 3 }), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(ingesters, assignment, async (specs, partitions) => {
      const apis = specs.map(({ framesEach, failsAfter }) => new PartitionedIngester(framesEach, failsAfter));
      const replicas = new Map(
        partitions.map((choices, partition): [number, IngesterReplica[]] => [
          partition,
          [...new Set(choices.map((choice) => choice % apis.length))].map((i) => ({
            name: `${i}`,
            api: apis[i],
          })),
        ]),
      );
      const seen = new Set<string>();
      try {
        for await (const [partition, n] of over(replicas).select(READ, never)) seen.add(`${partition} ${n}`);
      } catch (error) {
        assert.match((error as Error).message, /^partition \d+ cannot be read: /);
        return;
      }
      assert.equal(seen.size, partitions.length * 3);
    }),
    { numRuns: 300 },
  );
});

test('over gRPC: an ingester killed in the middle of a stream is replaced by the other zone', async (t) => {
  const peer = await startPeerProcess(t);
  const other = new ScriptedIngester();
  other.frames = [new Uint8Array([42])];
  const { address } = await startGrpcIngester(t, other);
  const candidates = [
    { name: 'zone a', api: connectGrpc(t, peer.grpcAddress) },
    { name: 'zone b', api: connectGrpc(t, address) },
  ];
  const ingesters = over(new Map([[0, candidates]]));
  let frames = 0;
  let last = 0;
  for await (const frame of ingesters.select(READ, never)) {
    last = frame[0];
    if (++frames === 5) peer.signal('SIGKILL');
  }
  assert.equal(last, 42);
  assert.deepEqual(other.reads, [{ ...READ, partitions: [0] }]);
});

/** Two zones that have one partition, and are unreachable. */
async function awayZones(t: TestContext) {
  const zones = await Promise.all(
    ['zone a', 'zone b'].map(async (name) => {
      const served = new ScriptedIngester();
      served.strings = [name];
      served.frames = [Buffer.from(name)];
      const { address, port, close } = await startGrpcIngester(t, served);
      const api = connectGrpc(t, address);
      await api.labelNames(READ, never);
      await close(0);
      served.reads.length = 0;
      return { served, port, replica: { name, api } };
    }),
  );
  return { zones, replicas: new Map([[0, zones.map(({ replica }) => replica)]]) };
}

for (const back of [0, 1]) {
  test(`over gRPC: if no zone is connected, zone ${'ab'[back]} is waited for and asked once`, async (t) => {
    const { zones, replicas } = await awayZones(t);
    const { served, port, replica } = zones[back];
    const failed: string[] = [];
    const onFailover: ReplicatedIngestersOptions['onFailover'] = ({ replica: { name } }) => {
      failed.push(name);
      if (failed.length === 2) void startGrpcIngester(t, served, { port });
    };
    const ingesters = over(replicas, { connectWaitMs: 20_000, onFailover });
    assert.deepEqual(await ingesters.labelNames(READ, never), [replica.name]);
    assert.deepEqual(failed, ['zone a', 'zone b']);
    assert.deepEqual(served.reads, [{ ...READ, partitions: [0] }]);
  });
}

test('over gRPC: a zone that is not connected yet is waited for when the other one goes in the middle of a stream', async (t) => {
  const { zones, replicas } = await awayZones(t);
  const [first, second] = zones;
  const peer = await startPeerProcess(t);
  const candidates = [{ name: 'zone c', api: connectGrpc(t, peer.grpcAddress) }, ...(replicas.get(0) ?? [])];
  const onFailover: ReplicatedIngestersOptions['onFailover'] = ({ replica: { name } }) => {
    if (name === 'zone b') void startGrpcIngester(t, second.served, { port: second.port });
  };
  const ingesters = over(new Map([[0, candidates]]), { connectWaitMs: 20_000, onFailover });
  let frames = 0;
  let last = '';
  for await (const frame of ingesters.select(READ, never)) {
    last = Buffer.from(frame).toString();
    if (++frames === 5) peer.signal('SIGKILL');
  }
  assert.equal(last, 'zone b');
  assert.deepEqual([first.served.reads.length, second.served.reads.length], [0, 1]);
});

test('over gRPC: zones that stay down are waited for once, and not when the read is cancelled', async (t) => {
  const { replicas } = await awayZones(t);
  const brief = over(replicas, { connectWaitMs: 50 });
  await assert.rejects(brief.labelNames(READ, never), {
    code: 'unavailable',
    message: 'partition 0 cannot be read: a service that is needed cannot be reached',
  });
  await assert.rejects(collect(brief.select(READ, never)), /cannot be reached/);
  const canceler = new AbortController();
  const reason = new Error('enough');
  const patient = over(replicas, {
    connectWaitMs: 60_000,
    onFailover: ({ replica: { name } }) => {
      if (name === 'zone b') setImmediate(() => canceler.abort(reason));
    },
  });
  await assert.rejects(patient.labelNames(READ, canceler.signal), reason);
});

test('over gRPC: a zone that answers what it thinks of the read is not asked again', async (t) => {
  const served = new ScriptedIngester();
  served.error = new UnavailableError('broken');
  const { address } = await startGrpcIngester(t, served);
  const replica = { name: 'zone a', api: connectGrpc(t, address) };
  await assert.rejects(over(new Map([[0, [replica]]])).labelNames(READ, never), {
    message: 'partition 0 cannot be read: broken',
  });
  assert.equal(served.reads.length, 1);
});
