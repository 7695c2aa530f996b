import assert from 'node:assert/strict';
import test from 'node:test';
import zlib from 'node:zlib';
import { ByteWriter } from '@xscaler/encoding';
import { Labels, METRIC_TYPES, type MetricMetadata, STALE_HIGH, STALE_LOW } from '@xscaler/model';
import fc from 'fast-check';
import { writeLabelSet } from '../labels/label-set.ts';
import { anyHistogram } from '../wire.testbed.ts';
import { type Cut, MAX_TIMESTAMP_MS, type RecordExemplar, UnknownRecordError } from './format.ts';
import { LogRecordReader } from './reader.ts';
import { encodeCut, LogRecordWriter } from './writer.ts';

interface Series {
  readonly id: readonly number[];
  readonly labels: Labels;
  readonly samples: readonly { timestampMs: number; low: number; high: number }[];
}

const word = fc.integer({ min: 0, max: 0xffffffff });
const timestamp = fc.oneof(
  fc.integer({ min: 1_700_000_000_000, max: 1_700_000_100_000 }),
  fc.integer({ min: -MAX_TIMESTAMP_MS, max: MAX_TIMESTAMP_MS }),
  fc.constantFrom(0, -1, MAX_TIMESTAMP_MS, -MAX_TIMESTAMP_MS),
);
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
const labelSet = fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 6 }).map(Labels.from);
const sample = fc.record({ timestampMs: timestamp, low: word, high: word }, { noNullPrototype: true });
const oneSeries: fc.Arbitrary<Series> = fc.record({
  id: fc.array(word, { minLength: 4, maxLength: 4 }),
  labels: labelSet,
  samples: fc.oneof(
    fc.array(sample, { minLength: 1, maxLength: 1 }),
    fc.array(sample, { minLength: 0, maxLength: 8 }),
  ),
});
const metadata: fc.Arbitrary<MetricMetadata> = fc.record({
  metric: text,
  type: fc.constantFrom(...METRIC_TYPES),
  help: fc.string(),
  unit: fc.string(),
});
const exemplar = fc.record({ labels: labelSet, value: fc.double(), timestampMs: timestamp });

const writer = new LogRecordWriter();
const reader = new LogRecordReader();

function addSeries(to: LogRecordWriter, { id, labels, samples }: Series): void {
  const bytes = new ByteWriter(64);
  bytes.u8(0); // so that the labels don't begin at 0
  writeLabelSet(labels.pairs, bytes);
  to.addSeries(id[0], id[1], id[2], id[3], bytes.bytes, 1, bytes.length);
  for (const { timestampMs, low, high } of samples) to.addSample(timestampMs, low, high);
}

function seriesOf(from: LogRecordReader): Series[] {
  return Array.from({ length: from.seriesCount }, (_, i) => {
    const start = i === 0 ? 0 : from.sampleEnds[i - 1];
    return {
      id: [...from.ids.subarray(4 * i, 4 * i + 4)],
      labels: Labels.fromSorted(from.labelsOf(i).pairs),
      samples: Array.from({ length: from.sampleEnds[i] - start }, (_, j) => ({
        timestampMs: from.timestamps[start + j],
        low: from.valueWords[2 * (start + j)],
        high: from.valueWords[2 * (start + j) + 1],
      })),
    };
  });
}

const plain = (series: readonly Series[]) => series.map((one) => ({ ...one, labels: one.labels.pairs }));

test('what was added since a mark can be taken back, and nothing else', () => {
  type Unit = typeof unit extends fc.Arbitrary<infer T> ? T : never;
  const unit = fc.record({
    series: fc.array(fc.tuple(oneSeries, fc.array(exemplar, { maxLength: 2 }), timestamp), { maxLength: 4 }),
    histogram: fc.option(fc.tuple(timestamp, anyHistogram), { nil: undefined }),
    isKept: fc.boolean(),
  });
  const write = (to: LogRecordWriter, { series, histogram }: Unit) => {
    for (const [one, exemplars, startMs] of series) {
      addSeries(to, one);
      if (one.samples.length > 0) to.setStartTime(startMs);
      for (const each of exemplars) to.addExemplar(each);
    }
    if (histogram === undefined) return;
    to.addSeries(1, 2, 3, 4, new Uint8Array(1), 0, 1);
    to.addHistogram(histogram[0], 5, 6, histogram[1], true);
  };
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 6 }), (units) => {
      const rewound = new LogRecordWriter();
      rewound.reset('t', 1000);
      for (const one of units) {
        rewound.mark();
        write(rewound, one);
        if (!one.isKept) rewound.rewind();
      }
      writer.reset('t', 1000);
      for (const one of units) if (one.isKept) write(writer, one);
      assert.equal(rewound.byteLength, writer.byteLength);
      assert.deepEqual(rewound.finish(), writer.finish());
    }),
  );
});

test('a samples record comes back as it was written', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.nat(),
      fc.array(fc.tuple(oneSeries, fc.array(exemplar, { maxLength: 2 })), { maxLength: 12 }),
      fc.array(metadata, { maxLength: 3 }),
      (tenant, windowMs, series, families) => {
        writer.reset(tenant, windowMs);
        const exemplars: RecordExemplar[] = [];
        for (const [i, [one, pointers]] of series.entries()) {
          addSeries(writer, one);
          for (const pointer of pointers) {
            writer.addExemplar(pointer);
            exemplars.push({ series: i, exemplar: pointer });
          }
        }
        for (const family of families) writer.addMetadata(family);
        const estimate = writer.byteLength + 3 * tenant.length;
        const record = writer.finish();
        assert.equal(record.buffer.byteLength, record.length);
        assert.ok(record.length <= estimate, `${record.length} bytes, ${estimate} estimated`);

        assert.equal(reader.decode(record), 'samples');
        assert.equal(reader.tenant, tenant.toWellFormed());
        assert.equal(reader.windowMs, windowMs);
        assert.deepEqual(plain(seriesOf(reader)), plain(series.map(([one]) => one)));
        assert.deepEqual(
          reader.exemplars().map(({ series, exemplar }) => [series, exemplar.labels.pairs, exemplar.value]),
          exemplars.map(({ series, exemplar }) => [series, exemplar.labels.pairs, exemplar.value]),
        );
        assert.deepEqual(
          reader.metadata().map(({ metric, type, help }) => [metric, type, help]),
          families.map(({ metric, type, help }) => [metric, type, help.toWellFormed()]),
        );
      },
    ),
    { numRuns: 300 },
  );
});

test('exemplars that heads keep all of make a record one of version 3, which says so; others leave it unchanged', () => {
  const one = { labels: Labels.of({ trace_id: 'x' }), value: 1, timestampMs: 5 };
  for (const [keepsAll, version] of [
    [true, 3],
    [false, 1],
  ] as const) {
    writer.reset('t', 1, keepsAll);
    addSeries(writer, { id: [1, 2, 3, 4], labels: Labels.of({ a: 'b' }), samples: [] });
    const without = writer.finish();
    writer.reset('t', 1, keepsAll);
    addSeries(writer, { id: [1, 2, 3, 4], labels: Labels.of({ a: 'b' }), samples: [] });
    writer.addExemplar(one);
    const record = writer.finish();
    assert.deepEqual([without[0], record[0]], [1, version]);
    reader.decode(record);
    assert.deepEqual(
      [reader.exemplars(), reader.keepsAllExemplars],
      [[{ series: 0, exemplar: one }], keepsAll],
    );
    reader.decode(without);
    assert.deepEqual([reader.exemplars(), reader.keepsAllExemplars], [[], false]);
  }
});

test('staleness markers and NaN payloads keep their bits', () => {
  const words = [
    [STALE_LOW, STALE_HIGH],
    [1, 0x7ff00000],
    [0xdeadbeef, 0xfff12345],
    [0, 0x80000000],
  ];
  writer.reset('t', 1);
  addSeries(writer, {
    id: [1, 2, 3, 4],
    labels: Labels.of({ a: 'b' }),
    samples: words.map(([low, high]) => ({ timestampMs: 5, low, high })),
  });
  reader.decode(writer.finish());
  assert.deepEqual([...reader.valueWords.subarray(0, 8)], words.flat());
});

test('a cut comes back as it was written', () => {
  fc.assert(
    fc.property(
      fc.record({ tenant: text, windowStartMs: timestamp, windowMs: fc.nat(), seq: fc.nat(), zone: text }),
      (cut: Cut) => {
        assert.equal(reader.decode(encodeCut(cut)), 'cut');
        const { tenant, windowStartMs, windowMs, seq, zone } = reader;
        assert.deepEqual({ tenant, windowStartMs, windowMs, seq, zone }, { ...cut });
      },
    ),
  );
});

test('a record that lies inside a larger buffer is read', () => {
  const record = encodeCut({ tenant: 'x', windowStartMs: 0, windowMs: 1, seq: 2, zone: 'a' });
  const around = new Uint8Array(record.length + 11);
  around.set(record, 7);
  assert.equal(reader.decode(around.subarray(7, 7 + record.length)), 'cut');
});

test('versions, kinds, flags, codecs and sections of the future are refused by name', () => {
  writer.reset('t', 1);
  const empty = writer.finish();
  const changed = (at: number, value: number) => resealed(empty, (bytes) => bytes.with(at, value));
  for (const [record, message] of [
    [changed(0, 4), /record version 4/],
    [changed(1, 9), /record kind 9/],
    [changed(5, 2), /record flags 2/],
    [changed(8, 7), /label codec 7/],
    [resealed(empty, (bytes) => Uint8Array.from([...bytes, 77, 0])), /section 77 in a record of version 1/],
  ] as const) {
    assert.throws(() => reader.decode(record), { name: UnknownRecordError.name, message });
  }
});

test('label sections that declare too much are refused before they are expanded', () => {
  writer.reset('t', 1);
  const head = writer.finish().subarray(0, 8);
  const section = new ByteWriter();
  section.raw(head);
  section.u8(1);
  section.uvarint(2 ** 40);
  section.uvarint(0);
  section.u32(0);
  assert.throws(() => reader.decode(resealed(section.take(), (bytes) => bytes)), { name: 'DecodeError' });
});

/** The record with its content changed and its checksum right again. */
function resealed(record: Uint8Array, change: (content: Uint8Array) => Uint8Array): Uint8Array {
  const content = change(record.slice(0, -4));
  const sealed = new Uint8Array(content.length + 4);
  sealed.set(content);
  new DataView(sealed.buffer).setUint32(content.length, zlib.crc32(content), true);
  return sealed;
}

test('any flipped bit and any cut is noticed by the checksum', () => {
  const record = exampleRecord();
  for (let bit = 0; bit < record.length * 8; bit++) {
    const damaged = record.slice();
    damaged[bit >> 3] ^= 1 << (bit & 7);
    assert.throws(() => reader.decode(damaged), /^(DecodeError|UnknownRecordError)/);
  }
  for (let length = 0; length < record.length; length++) {
    assert.throws(() => reader.decode(record.subarray(0, length)), { name: 'DecodeError' });
  }
});

function exampleRecord(): Uint8Array {
  writer.reset('tenant', 7_200_000);
  for (let i = 0; i < 6; i++) {
    const labels = Labels.of({ __name__: 'requests_total', code: `${200 + i}`, instance: '10.0.0.1:9090' });
    const samples = Array.from({ length: 1 + (i % 3) }, (_, j) => ({
      timestampMs: 1e12 + j,
      low: i,
      high: j,
    }));
    addSeries(writer, { id: [i, 2, 3, 4], labels, samples });
  }
  writer.addExemplar({ labels: Labels.of({ trace: 'x' }), value: 1, timestampMs: 5 });
  writer.addMetadata({ metric: 'requests_total', type: 'counter', help: 'Requests', unit: '' });
  return writer.finish();
}

test('damage behind a right checksum is refused or read as something else, never more', () => {
  const record = exampleRecord();
  let state = 12345;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let run = 0; run < 40_000; run++) {
    const damaged = resealed(record, (content) => {
      for (let flips = 1 + random(3); flips > 0; flips--) content[random(content.length)] ^= 1 << random(8);
      return random(4) === 0 ? content.subarray(0, random(content.length)) : content;
    });
    try {
      reader.decode(damaged);
      for (let i = 0; i < reader.seriesCount; i++) reader.labelsOf(i);
      reader.exemplars();
      reader.metadata();
    } catch (error) {
      assert.match(
        (error as Error).name,
        /^(DecodeError|UnknownRecordError)$/,
        String((error as Error).stack),
      );
    }
  }
});

test('labels of series that share some are read as those of each alone', () => {
  const value = fc.constantFrom('a', 'b', 'é', 'value');
  const sets = fc.array(
    fc
      .tuple(
        fc.subarray(['__name__', 'code', 'job', 'pod', 'zone'], { minLength: 1 }),
        fc.infiniteStream(value),
      )
      .map(([names, values]) => Labels.from(names.map((name) => [name, values.next().value] as const))),
    { minLength: 1, maxLength: 12 },
  );
  fc.assert(
    fc.property(sets, fc.infiniteStream(fc.nat()), (labels, order) => {
      writer.reset('t', 1);
      for (const one of labels) addSeries(writer, { id: [1, 2, 3, 4], labels: one, samples: [] });
      reader.decode(writer.finish());
      for (let read = 0; read < 20; read++) {
        const i = read < labels.length ? read : order.next().value % labels.length;
        assert.deepEqual(reader.labelsOf(i).pairs, labels[i].pairs);
      }
    }),
  );
});

test('labels that are not normalised are refused', () => {
  const name = [0x0a, 1, 0x61];
  const value = [0x12, 1, 0x62];
  const label = (...content: number[]) => [0x0a, content.length, ...content];
  for (const wrong of [
    [],
    label(...value, ...name),
    label(...name),
    label(...name, 0x12, 0),
    label(0x0a, 0, ...value),
    label(...name, ...value, 0x18, 1),
    label(0x0a, 0x81, 0, 0x61, ...value),
    label(...name, 0x12, 1, 0xff),
    [...label(...name, ...value), ...label(...name, ...value)],
    [...label(0x0a, 1, 0x62, ...value), ...label(...name, ...value)],
    [0x0a, 9, ...name, ...value],
    [0x12, 6, ...name, ...value],
  ]) {
    writer.reset('t', 1);
    writer.addSeries(1, 2, 3, 4, Uint8Array.from(wrong), 0, wrong.length);
    reader.decode(writer.finish());
    assert.throws(
      () => reader.labelsOf(0),
      { name: 'DecodeError', message: /not normalised/ },
      String(wrong),
    );
  }
});
