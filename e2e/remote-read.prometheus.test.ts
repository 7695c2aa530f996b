import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Labels, SampleColumns } from '@xscaler/model';
import {
  type AskedQuery,
  type DecodedChunk,
  decodePrometheusChunk,
  type ReadSeries,
  readChunkedAnswer,
  readFrames,
  readRequestBody,
  readSamplesAnswer,
  STALE_BITS,
} from '@xscaler/testkit';
import { ChunkedResponseWriter } from '@xscaler/wire/remote-read';
import { ReceivingPrometheus, writeToBoth } from './differential/receiving-prometheus.ts';
import { dataSpan, seededSeries } from './differential/seeded-data.ts';
import {
  type Answer,
  type Client,
  Prometheus,
  Random,
  STALE_MARKER,
  series,
  snappyBody,
  type TimeSeries,
  Xscaler,
} from './harness/index.ts';
import { createTenant } from './harness/tenants.ts';
import { answeredHistograms, answeredSeries } from './http-answers/answered-series.ts';

const TENANT = 'long-term';
const SAMPLES = 0;
const STREAMED_XOR_CHUNKS = 1;

const span = dataSpan(Date.now(), 30);

/** Beside what other comparisons have: every kind of change of time and value that an XOR chunk tells apart. */
function oddSeries(random: Random): TimeSeries[] {
  const samples: [number, number | bigint][] = [];
  const gapsMs = [1_000, 1_000, 1_001, 997, 9_000, 70_000, 2];
  const values = [1, 1, 2, Number.NaN, STALE_MARKER, 0x7ff8000000000001n, -0, 1e300, 5e-324, 0.1];
  for (let timeMs = span.startMs + 123, i = 0; timeMs < span.endMs; i++) {
    samples.push([
      timeMs,
      i % 3 === 0 ? random.between(0, 1_000_000) / 7 : values[random.between(0, values.length - 1)],
    ]);
    timeMs += gapsMs[random.between(0, gapsMs.length - 1)];
  }
  return [series({ __name__: 'uneven', job: 'remote "read"' }, samples)];
}

/** Three servers: ours, a Prometheus with the same data, and one that has nothing and reads ours. */
async function start() {
  const xscaler = await Xscaler.start();
  await xscaler.stop();
  const [token] = await createTenant(xscaler.dataDir, TENANT, ['read+write']);
  const flags = ['--enable-feature=native-histograms'];
  const [twin] = await Promise.all([ReceivingPrometheus.start(flags), xscaler.start()]);
  const client = xscaler.client(TENANT, token);
  try {
    await writeAll(twin, client);
    const section = remoteReadSection(xscaler.url, TENANT, token);
    const reader = await Prometheus.start({ targets: {}, scrapeIntervalMs: 60_000, remoteWrite: section });
    return { xscaler, client, twin, reader };
  } catch (error) {
    await Promise.all([twin.dispose(), xscaler.dispose()]);
    throw error;
  }
}

async function writeAll(twin: ReceivingPrometheus, client: Client): Promise<void> {
  const random = new Random(7);
  const all = [...seededSeries(random, span), ...answeredSeries(span), ...oddSeries(random)];
  await writeToBoth(all, twin, client);
  const histograms = snappyBody(answeredHistograms(span));
  await twin.writeBody(histograms);
  const answer = await client.pushBody(histograms);
  assert.equal(answer.status, 204, answer.text);
}

/** As an operator writes it down. */
function remoteReadSection(url: string, tenant: string, token: string): string {
  return `remote_read:
  - url: ${url}/api/v1/read
    read_recent: true
    headers:
      X-Scope-OrgID: ${tenant}
    authorization:
      credentials: ${token}
`;
}

function read(
  client: Client,
  queries: readonly AskedQuery[],
  types: readonly number[],
  path: string,
): Promise<Answer> {
  return client.raw(path, {
    method: 'POST',
    headers: [
      ...client.credentials,
      ['content-type', 'application/x-protobuf'],
      ['content-encoding', 'snappy'],
      ['x-prometheus-remote-read-version', '0.1.0'],
    ],
    body: readRequestBody(queries, types),
  });
}

const EVERYTHING: AskedQuery = {
  startMs: span.startMs,
  endMs: span.endMs,
  matchers: [['__name__', '!~', 'prometheus_.*|go_.*|process_.*|up|scrape_.*']],
};

/** Of floats: remote read of Prometheus 2.42 knows no histograms, neither as a client nor, in samples, as a server. */
const QUERIES = [
  'count by (__name__) ({__name__=~".+",__name__!="native",job!="prometheus"})',
  '{__name__=~"gauge|odd|uneven|text"}',
  'sum by (kind) (rate(steps_total[5m]))',
  'uneven[10m]',
  'count_over_time(uneven[7m])',
  'changes(uneven[7m])',
  'histogram_quantile(0.9, sum by (le) (rate(took_bucket[2m])))',
  'label_replace(text, "a", "$1", "weird", "(.).*")',
  'absent({__name__="nowhere"})',
  '{__name__=~"load|temp|requests_total"}[3m]',
];

describe('a Prometheus reads from here what it does not have', { concurrency: false }, () => {
  let servers: Awaited<ReturnType<typeof start>>;
  before(async () => {
    servers = await start();
  });
  after(async () => {
    await servers?.reader.dispose();
    await servers?.twin.dispose();
    await servers?.xscaler.dispose();
  });

  test('its answers are those of a Prometheus with the data, and ours', async () => {
    const { reader, twin, client } = servers;
    for (const query of QUERIES) {
      for (const timeMs of [span.endMs - 1_000, span.startMs + 600_000]) {
        const own = resultOf(await twin.client.query(query, timeMs));
        assert.ok(own.length > 0, query);
        assert.deepEqual(resultOf(await reader.client().query(query, timeMs)), own, query);
        assert.deepEqual(resultOf(await client.query(query, timeMs)), own, query);
      }
    }
  });

  test('range queries are answered alike, too', async () => {
    const { reader, twin } = servers;
    for (const query of QUERIES.filter((text) => !text.endsWith('m]'))) {
      const own = resultOf(await twin.client.queryRange(query, span.startMs, span.endMs, 60_000));
      const read = resultOf(await reader.client().queryRange(query, span.startMs, span.endMs, 60_000));
      assert.deepEqual(read, own, query);
    }
  });

  for (const [name, type] of Object.entries({ SAMPLES, STREAMED_XOR_CHUNKS })) {
    test(`${name}: every sample is there bit for bit as Prometheus itself answers it`, async () => {
      const { twin, client } = servers;
      const matchers = [['__name__', '=', 'uneven']] as const;
      const half = { startMs: span.startMs + 5, endMs: span.endMs - 900_000, matchers };
      // 2.42 leaves histograms out of answers in samples.
      const floats: AskedQuery = {
        ...EVERYTHING,
        matchers: [...EVERYTHING.matchers, ['__name__', '!=', 'native']],
      };
      const asked = [type === SAMPLES ? floats : EVERYTHING, half];
      const expected = decoded(await read(twin.client, asked, [type], '/api/v1/read'), type);
      assert.ok(
        expected[0].length > 5_000 && expected[1].length > 20,
        `${expected.map(({ length }) => length)}`,
      );
      for (const prefix of ['', '/prometheus']) {
        const ours = decoded(await read(client, asked, [type, 1 - type], `${prefix}/api/v1/read`), type);
        for (const [i, lines] of expected.entries())
          assertSameLines(type === SAMPLES ? ours[i].map(withoutSignOfZero) : ours[i], lines);
      }
    });
  }

  test('histograms are the same in both kinds of answers', async () => {
    const { client } = servers;
    const asked = [{ ...EVERYTHING, matchers: [['__name__', '=', 'native']] as const }];
    const [samples] = decoded(await read(client, asked, [SAMPLES], '/api/v1/read'), SAMPLES);
    const [chunked] = decoded(
      await read(client, asked, [STREAMED_XOR_CHUNKS], '/api/v1/read'),
      STREAMED_XOR_CHUNKS,
    );
    assert.ok(samples.length > 100, `${samples.length}`);
    assertSameLines(samples, chunked);
  });

  test('chunks have the bytes that Prometheus itself gives to the same samples', async () => {
    const theirs = await read(servers.twin.client, [EVERYTHING], [STREAMED_XOR_CHUNKS], '/api/v1/read');
    const compared = new Map<number, number>();
    for (const { encoding, bytes } of readFrames(theirs.body).flatMap(({ chunks }) => chunks)) {
      const chunk = decodePrometheusChunk(encoding, bytes);
      // We cut sooner than it sometimes does.
      if (chunk.samples.length > 120) continue;
      compared.set(encoding, (compared.get(encoding) ?? 0) + 1);
      const [written, ...more] = writtenOf(chunk);
      assert.equal(more.length, 0);
      // What was before the chunk is known to Prometheus alone.
      if (encoding !== 1) written[2] = bytes[2];
      // A whole byte of nothing may follow in theirs.
      const rest = bytes.subarray(written.length).toString('hex');
      assert.ok(rest === '' || rest === '00', rest);
      assert.equal(written.toString('hex') + rest, bytes.toString('hex'));
    }
    assert.ok((compared.get(1) ?? 0) > 20 && (compared.get(2) ?? 0) > 0, JSON.stringify([...compared]));
  });

  test('without a kind that is asked for the answer is samples; with none that we speak it is a 400', async () => {
    const { client } = servers;
    const plain = await read(client, [EVERYTHING], [], '/api/v1/read');
    assert.equal(plain.headers['content-encoding'], 'snappy');
    assert.ok(readSamplesAnswer(plain.body)[0].length > 20);
    const unknown = await read(client, [EVERYTHING], [7], '/api/v1/read');
    assert.equal(unknown.status, 400);
    assert.match(unknown.text, /"errorType":"bad_data".*requested response types/);
  });

  test('bad requests are told so', async () => {
    const { client } = servers;
    const post = (body: Uint8Array, type = 'application/x-protobuf') =>
      client.raw('/api/v1/read', {
        method: 'POST',
        headers: [...client.credentials, ['content-type', type]],
        body,
      });
    assert.equal((await post(Buffer.from('nonsense'))).status, 400);
    assert.equal((await post(Buffer.from([0xff, 0xff, 0xff, 0x7f, 0]))).status, 400);
    assert.equal((await post(readRequestBody([EVERYTHING]), 'application/json')).status, 415);
    const pattern = await post(readRequestBody([{ ...EVERYTHING, matchers: [['a', '=~', '(']] }]));
    assert.equal(pattern.status, 400);
    assert.match(pattern.text, /bad_data/);
  });
});

function resultOf(data: Awaited<ReturnType<Client['query']>>): string[] {
  return data.result.map((one) => JSON.stringify(one)).sort();
}

/** Of each query one line a sample, sorted. */
function decoded(answer: Answer, type: number): string[][] {
  assert.equal(answer.status, 200, answer.text);
  const results = type === SAMPLES ? readSamplesAnswer(answer.body) : readChunkedAnswer(answer.body);
  return results.map((result) => result.flatMap(linesOf).sort());
}

function linesOf({ labels, samples }: ReadSeries): string[] {
  return samples.map(
    ({ timestampMs, bits, histogram }) =>
      `${labels.join()} ${timestampMs} ${bits.toString(16)} ${JSON.stringify(histogram, sortedKeys)}`,
  );
}

function sortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Prometheus leaves a value out that equals 0, and so the sign of -0. */
function withoutSignOfZero(line: string): string {
  return line.replace(' 8000000000000000 ', ' 0 ');
}

function assertSameLines(actual: readonly string[], expected: readonly string[]): void {
  const [there, wanted] = [new Set(actual), new Set(expected)];
  assert.deepEqual(
    {
      missing: expected.filter((line) => !there.has(line)).slice(0, 3),
      surplus: actual.filter((line) => !wanted.has(line)).slice(0, 3),
    },
    { missing: [], surplus: [] },
  );
  assert.equal(actual.length, expected.length);
}

/** The chunks that we make of the samples of one. */
function writtenOf({ samples }: DecodedChunk): Buffer[] {
  const columns = new SampleColumns();
  for (const { timestampMs, bits, histogram } of samples) {
    const [low, high] = [Number(bits & 0xffffffffn), Number(bits >> 32n)];
    if (histogram)
      columns.appendHistogram(timestampMs, { ...histogram, sum: 0, counterResetHint: 'unknown' });
    else columns.appendWords(timestampMs, low, high);
    columns.valueWords.set([low, high], 2 * (columns.length - 1));
    assert.ok(bits !== STALE_BITS || histogram === undefined, 'no histogram here is a staleness marker');
  }
  const writer = new ChunkedResponseWriter();
  writer.beginQuery();
  writer.addSeries(Labels.fromSorted(['a', 'b']), columns);
  return readFrames(writer.finish()).flatMap(({ chunks }) => chunks.map(({ bytes }) => bytes));
}
