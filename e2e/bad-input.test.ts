import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import {
  type Answer,
  type Client,
  Random,
  STALE_MARKER,
  series,
  snappyBody,
  type TimeSeries,
  writeRequestBytes,
  Xscaler,
} from './harness/index.ts';

const PROTOBUF = ['content-type', 'application/x-protobuf'] as const;
const SNAPPY = ['content-encoding', 'snappy'] as const;
const MAX_INT64 = 2n ** 63n - 1n;
const FLIPS = 400;

let xscaler: Xscaler;
let client: Client;
let random: Random;
let tests = 0;

before(async () => {
  xscaler = await Xscaler.start();
  client = xscaler.client();
  random = Random.seeded();
});

after(() => xscaler?.dispose());

afterEach(async () => {
  assert.ok(xscaler.program.isRunning, xscaler.program.output);
  assert.equal((await client.raw('/-/ready')).status, 200);
});

/** A metric name that no other test has used, and that no flipped bit makes out of another's. */
function fresh(prefix = 'bad_input'): string {
  return `${prefix}_${tests++}`;
}

async function assertStored(metric: string, values: readonly string[]): Promise<void> {
  const found = await client.samples(metric, Date.now() + 600_000, 10_000_000);
  const stored = found.flatMap((each) => each.values.map(([, value]) => value));
  assert.deepEqual(stored, values, metric);
}

/** A refusal that names series and reason, while a good series beside it in the request is kept. */
async function assertRefusedBeside(bad: TimeSeries, reason: RegExp, named: RegExp = /./): Promise<void> {
  const good = fresh();
  const nowMs = Date.now();
  const answer = await client.push([
    series({ __name__: good, at: 'front' }, [[nowMs, 1]]),
    bad,
    series({ __name__: good, at: 'rear' }, [[nowMs, 2]]),
  ]);
  assert.equal(answer.status, 400, answer.text);
  assert.match(answer.text, reason);
  assert.match(answer.text, named);
  await assertStored(good, ['1', '2']);
}

describe('a body that is not what its headers say', { concurrency: false }, () => {
  const nowMs = Date.now();
  const request = (metric: string): Buffer =>
    writeRequestBytes({
      series: Array.from({ length: 5 }, (_, i) =>
        series({ __name__: metric, i: String(i) }, [
          [nowMs, i],
          [nowMs + 1, i + 0.5],
        ]),
      ),
    });

  test('a truncated body is a 400 and leaves nothing', async () => {
    const metric = fresh();
    const body = snappyBody(request(metric));
    for (let length = 0; length < body.length; length++) {
      const answer = await client.pushBody(body.subarray(0, length));
      assert.equal(answer.status, 400, `${length} of ${body.length} bytes: ${answer.text}`);
    }
    await assertStored(metric, []);
  });

  test('a truncated message in a whole snappy block is a 400, or stands as far as its series are whole', async () => {
    const bytes = request(fresh());
    const seriesBytes = bytes.length / 5;
    for (let length = 1; length < bytes.length; length++) {
      const answer = await client.pushBody(snappyBody(bytes.subarray(0, length)));
      assert.equal(answer.status, length % seriesBytes === 0 ? 204 : 400, `${length}: ${answer.text}`);
    }
  });

  test('bits that were flipped on the way are an answer, never an error of ours', async () => {
    const body = snappyBody(request(fresh('flipped')));
    const seen = new Set<number>();
    for (let i = 0; i < FLIPS; i++) {
      const flipped = Buffer.from(body);
      for (let flips = random.between(1, 4); flips > 0; flips--)
        flipped[random.between(0, body.length)] ^= 1 << random.between(0, 8);
      seen.add((await client.pushBody(flipped)).status);
    }
    for (const status of seen) assert.ok([204, 400, 413].includes(status), `${status}`);
    assert.ok(seen.has(400));
  });

  test('bits flipped in the message are an answer too', async () => {
    const bytes = request(fresh('flipped'));
    for (let i = 0; i < FLIPS; i++) {
      const flipped = Buffer.from(bytes);
      flipped[random.between(0, bytes.length)] ^= 1 << random.between(0, 8);
      const { status, text } = await client.pushBody(snappyBody(flipped));
      assert.ok(status === 204 || status === 400, `${status}: ${text}`);
    }
  });

  test('arbitrary bytes are a 400, or pass as fields that nobody knows', async () => {
    for (let i = 0; i < 200; i++) {
      const noise = Buffer.from(Array.from({ length: random.between(1, 300) }, () => random.between(0, 256)));
      const { status, text } = await client.pushBody(snappyBody(noise));
      assert.ok(status === 204 || status === 400, `${noise.toString('hex')}: ${status} ${text}`);
    }
    assert.equal((await client.pushBody(snappyBody(Buffer.alloc(11, 0xff)))).status, 400);
  });

  test('an empty message is nothing, and no fault', async () => {
    assert.equal((await client.pushBody(snappyBody(Buffer.alloc(0)))).status, 204);
    assert.equal((await client.pushBody(Buffer.alloc(0))).status, 400);
  });

  test('a content type or encoding that is not spoken here is a 415', async () => {
    const body = snappyBody(request(fresh()));
    const refused: (readonly [string, string])[][] = [
      [['content-type', 'text/plain'], SNAPPY],
      [['content-type', 'application/json'], SNAPPY],
      [['content-type', 'application/x-protobuf;proto=io.prometheus.write.v3.Request'], SNAPPY],
      [PROTOBUF, ['content-encoding', 'br']],
      [PROTOBUF, ['content-encoding', 'snappy, gzip']],
    ];
    for (const headers of refused) {
      const answer = await client.pushBody(body, headers);
      assert.equal(answer.status, 415, `${headers}: ${answer.text}`);
    }
  });

  test('an uncompressed message that says snappy is a 400', async () => {
    assert.equal((await client.pushBody(request(fresh()), [PROTOBUF, SNAPPY])).status, 400);
  });
});

describe('a body that is too large', { concurrency: false }, () => {
  const residentBytes = (): Promise<number> => client.ownMetric('process_resident_memory_bytes');

  test('a few bytes that declare gigabytes are a 413, and no memory is taken for them', async () => {
    const before = await residentBytes();
    for (const bomb of ['ffffffff0f00', '8080808008', 'ffffffff07fe', 'ffffffffffffffffff0100']) {
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => client.pushBody(Buffer.from(bomb, 'hex'))),
      );
      for (const { status, text } of answers)
        assert.ok(status === 413 || status === 400, `${status}: ${text}`);
    }
    assert.equal((await client.pushBody(Buffer.from('8080808008', 'hex'))).status, 413);
    assert.ok((await residentBytes()) - before < 500_000_000);
  });

  test('a body that really expands past the limit is a 413', async () => {
    const answer = await client.pushBody(snappyBody(Buffer.alloc(80 * 1024 * 1024)));
    assert.equal(answer.status, 413);
  });

  test('a body larger than the limit as it is sent is a 413', async () => {
    const answer = await client.pushBody(Buffer.alloc(17 * 1024 * 1024));
    assert.equal(answer.status, 413);
  });

  test('more samples than a request may carry are refused', async () => {
    const metric = fresh();
    const startMs = Date.now() - 60_000;
    const samples = Array.from({ length: 10_001 }, (_, i) => [startMs + i, i] as const);
    const answer = await client.push([series({ __name__: metric }, samples)]);
    assert.equal(answer.status, 400, answer.text);
    await assertStored(metric, []);
  });
});

describe('labels', { concurrency: false }, () => {
  const at = (): TimeSeries['samples'] => [[Date.now(), 7]];

  test('a label with an empty name', () =>
    assertRefusedBeside(
      {
        labels: [
          ['', 'x'],
          ['__name__', 'nameless'],
        ],
        samples: at(),
      },
      /empty name/,
      /nameless/,
    ));

  test('a series without labels', () => assertRefusedBeside({ labels: [], samples: at() }, /has no labels/));

  test('a repeated label name', () =>
    assertRefusedBeside(
      {
        labels: [
          ['__name__', 'doubled'],
          ['a', '1'],
          ['a', '2'],
        ],
        samples: at(),
      },
      /more than once/,
      /doubled/,
    ));

  test('bytes that are not UTF-8', async () => {
    const invalid = Buffer.from([0x61, 0xff, 0xfe]);
    await assertRefusedBeside(
      {
        labels: [
          ['__name__', 'garbled'],
          ['a', invalid],
        ],
        samples: at(),
      },
      /UTF-8/i,
    );
    await assertRefusedBeside(
      {
        labels: [
          ['__name__', 'garbled'],
          [invalid, 'a'],
        ],
        samples: at(),
      },
      /UTF-8/i,
    );
  });

  test('too many of them', () => {
    const labels = Array.from({ length: 30 }, (_, i) => [`l${i}`, 'x'] as const);
    return assertRefusedBeside(
      { labels: [['__name__', 'crowded'], ...labels], samples: at() },
      /labels/,
      /crowded/,
    );
  });

  test('too long a name, value or metric name', async () => {
    const long = (length: number): string => 'x'.repeat(length);
    await assertRefusedBeside(
      {
        labels: [
          ['__name__', 'a'],
          [long(1025), 'v'],
        ],
        samples: at(),
      },
      /max_label_name_length/,
    );
    await assertRefusedBeside(
      {
        labels: [
          ['__name__', 'a'],
          ['b', long(2049)],
        ],
        samples: at(),
      },
      /max_label_value_length/,
    );
    await assertRefusedBeside(
      { labels: [['__name__', long(1025)]], samples: at() },
      /max_metric_name_length/,
    );
    const fits = await client.push([
      {
        labels: [
          ['__name__', long(1024)],
          [long(1024), long(2048)],
        ],
        samples: at(),
      },
    ]);
    assert.equal(fits.status, 204, fits.text);
  });

  test('labels in another order are the same series', async () => {
    const metric = fresh();
    const nowMs = Date.now();
    const orders = [
      [
        ['__name__', metric],
        ['a', '1'],
        ['b', '2'],
      ],
      [
        ['b', '2'],
        ['__name__', metric],
        ['a', '1'],
      ],
      [
        ['b', '2'],
        ['a', '1'],
        ['__name__', metric],
      ],
    ] as const;
    for (const [i, labels] of orders.entries()) {
      const answer = await client.push([{ labels, samples: [[nowMs + i, i]] }]);
      assert.equal(answer.status, 204, answer.text);
    }
    const found = await client.samples(metric, nowMs + 10, 1_000);
    assert.equal(found.length, 1);
    assert.deepEqual(
      found[0].values.map(([, value]) => value),
      ['0', '1', '2'],
    );
  });

  test('a label with an empty value is an absent label', async () => {
    const metric = fresh();
    const nowMs = Date.now();
    await client.push([
      {
        labels: [
          ['__name__', metric],
          ['gone', ''],
        ],
        samples: [[nowMs, 1]],
      },
    ]);
    await client.push([{ labels: [['__name__', metric]], samples: [[nowMs + 1, 2]] }]);
    const found = await client.samples(metric, nowMs + 10, 1_000);
    assert.deepEqual(
      found.map((each) => each.metric),
      [{ __name__: metric }],
    );
    assert.equal(found[0].values.length, 2);
  });
});

describe('samples', { concurrency: false }, () => {
  test('values that are not numbers are kept unchanged', async () => {
    const metric = fresh();
    const startMs = Date.now() - 10_000;
    const values = [Number.NaN, Infinity, -Infinity, -0, 5e-324, 1.7976931348623157e308, 0.1 + 0.2];
    const answer = await client.push([
      series(
        { __name__: metric },
        values.map((value, i) => [startMs + i * 1000, value] as const),
      ),
    ]);
    assert.equal(answer.status, 204, answer.text);
    await assertStored(metric, [
      'NaN',
      '+Inf',
      '-Inf',
      '-0',
      '5e-324',
      '1.7976931348623157e+308',
      '0.30000000000000004',
    ]);
  });

  test('a staleness marker ends a series at once and is not seen as a sample', async () => {
    const metric = fresh();
    const nowMs = Date.now();
    const answer = await client.push([
      series({ __name__: metric }, [
        [nowMs - 2_000, 1],
        [nowMs - 1_000, STALE_MARKER],
      ]),
    ]);
    assert.equal(answer.status, 204, answer.text);
    assert.equal(await client.value(metric, nowMs - 1_500), 1);
    assert.equal(await client.value(metric, nowMs), undefined);
    await assertStored(metric, ['1']);
  });

  const timestamps: [what: string, timestampMs: bigint, reason: RegExp][] = [
    ['timestamp 0', 0n, /too old|older than/],
    ['the largest timestamp there is', MAX_INT64, /future/],
    ['the smallest timestamp there is', -MAX_INT64 - 1n, /too old|older than/],
    ['a negative timestamp', -1n, /too old|older than/],
    ['a timestamp past 2^53', 2n ** 53n + 1n, /future/],
    ['seconds where milliseconds belong', BigInt(Math.trunc(Date.now() / 1000)), /too old|older than/],
    ['nanoseconds if milliseconds belong', BigInt(Date.now()) * 1_000_000n, /future/],
  ];
  for (const [what, timestampMs, reason] of timestamps)
    test(`${what} is refused, the rest is kept`, () =>
      assertRefusedBeside(series({ __name__: 'untimely' }, [[timestampMs, 1]]), reason, /untimely/));

  test('of one series the timely samples are kept', async () => {
    const metric = fresh();
    const nowMs = Date.now();
    const answer = await client.push([
      series({ __name__: metric }, [
        [0, 1],
        [nowMs, 2],
        [MAX_INT64, 3],
        [nowMs + 1, 4],
      ]),
    ]);
    assert.equal(answer.status, 400);
    await assertStored(metric, ['2', '4']);
  });

  test('out of order and repeated samples: the first value of a timestamp stands', async () => {
    const metric = fresh();
    const nowMs = Date.now();
    const push = (samples: TimeSeries['samples']): Promise<Answer> =>
      client.push([series({ __name__: metric }, samples)]);
    assert.equal(
      (
        await push([
          [nowMs, 3],
          [nowMs - 2_000, 1],
          [nowMs - 1_000, 2],
        ])
      ).status,
      204,
    );
    assert.equal(
      (
        await push([
          [nowMs, 3],
          [nowMs - 2_000, 99],
        ])
      ).status,
      204,
    );
    await assertStored(metric, ['1', '2', '3']);
  });

  test('a series without samples is not a fault', async () => {
    const metric = fresh();
    assert.equal((await client.push([series({ __name__: metric }, [])])).status, 204);
    const seriesOf = await client.get('/api/v1/series', { 'match[]': metric });
    assert.equal(JSON.parse(seriesOf.text).data.length, 0);
  });

  test('metadata alone is a 204', async () => {
    const metadata = [{ type: 1, metric: fresh(), help: 'x', unit: '' }];
    assert.equal((await client.pushRequest({ metadata })).status, 204);
  });
});

describe('the path', { concurrency: false }, () => {
  test('other methods than POST are refused', async () => {
    for (const method of ['GET', 'PUT', 'DELETE'] as const) {
      const answer = await client.raw('/api/v1/push', { method, headers: client.credentials });
      assert.equal(answer.status, 405, method);
    }
  });

  test('an unknown path is a 404', async () => {
    const answer = await client.raw('/api/v1/pusher', { method: 'POST', headers: client.credentials });
    assert.equal(answer.status, 404);
  });
});
