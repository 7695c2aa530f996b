import assert from 'node:assert/strict';
import test from 'node:test';
import { ByteWriter } from '@xscaler/encoding';
import { Labels } from '@xscaler/model';
import fc from 'fast-check';
import { type LabelFault, LabelSetParser, writeLabelSet } from './label-set.ts';

const parser = new LabelSetParser();

function labelSetOf(pairs: readonly (readonly [string, string])[]): Uint8Array {
  const to = new ByteWriter(64);
  writeLabelSet(pairs.flat(), to);
  return to.take();
}

function parse(bytes: Uint8Array): LabelSetParser {
  parser.parse(bytes, 0, bytes.length);
  return parser;
}

const text = fc.string({ unit: 'grapheme', maxLength: 140 });

test('pairs in any order come out sorted, without empty values, and written again they are normal', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(
        fc.tuple(
          text.filter((name) => name !== ''),
          text,
        ),
        { selector: ([name]) => name },
      ),
      (pairs) => {
        const bytes = labelSetOf(pairs);
        const expected = Labels.from(pairs);
        const parsed = parse(bytes);
        assert.deepEqual(parsed.pairs, expected.pairs);
        assert.equal(parsed.fault, expected.size === 0 ? 'no_labels' : undefined);
        const normal = labelSetOf([...expected]);
        assert.equal(parsed.normalised, expected.size > 0 && Buffer.compare(normal, bytes) === 0);
        if (expected.size > 0) assert.ok(parse(normal).normalised);
      },
    ),
  );
});

test('label sets that no series can have are told apart', () => {
  const cases: [LabelFault | undefined, [string, string][]][] = [
    [
      undefined,
      [
        ['a', '1'],
        ['b', '2'],
      ],
    ],
    ['no_labels', []],
    ['no_labels', [['a', '']]],
    [
      'empty_label_name',
      [
        ['', 'x'],
        ['a', '1'],
      ],
    ],
    [
      'empty_label_name',
      [
        ['', ''],
        ['a', '1'],
      ],
    ],
    [
      'repeated_label_name',
      [
        ['a', '1'],
        ['a', '1'],
      ],
    ],
    [
      'repeated_label_name',
      [
        ['a', '1'],
        ['b', '1'],
        ['a', '2'],
      ],
    ],
    [
      undefined,
      [
        ['a', ''],
        ['a', '2'],
      ],
    ],
    [
      undefined,
      [
        ['b', '2'],
        ['a', '1'],
      ],
    ],
    [
      undefined,
      [
        ['with.dots', 'and spaces'],
        ['ζ', 'utf-8 �'],
      ],
    ],
  ];
  for (const [fault, pairs] of cases)
    assert.equal(parse(labelSetOf(pairs)).fault, fault, JSON.stringify(pairs));
});

test('bytes that are not UTF-8 are a fault, a replacement character is not', () => {
  const bytes = labelSetOf([['a', 'xyz']]);
  bytes[bytes.length - 1] = 0xff;
  assert.equal(parse(bytes).fault, 'invalid_utf8');
  assert.equal(parse(labelSetOf([['a', '\ufffd']])).fault, undefined);
});

test('lengths are measured in bytes, the metric name on its own', () => {
  const parsed = parse(
    labelSetOf([
      ['__name__', 'ääää'],
      ['b', 'ö'],
      ['long', 'x'],
    ]),
  );
  assert.equal(parsed.metricNameBytes, 8);
  assert.equal(parsed.longestValueBytes, 2);
  assert.equal(parsed.longestNameBytes, 8);
});

test('legal but unusual encodings are read and known not to be normal', () => {
  const name = [0x0a, 1, 0x61];
  const value = [0x12, 1, 0x62];
  const label = (...fields: number[]) => Uint8Array.from([0x0a, fields.length, ...fields]);
  for (const [bytes, normalised] of [
    [label(...name, ...value), true],
    [label(...value, ...name), false],
    [label(...name, ...value, 0x18, 5), false],
    [label(...name, 0x12, 1, 0x63, ...value), false],
    [label(0x0a, 0x81, 0, 0x61, ...value), false],
    [Uint8Array.from([0x0a, 0x86, 0, ...name, ...value]), false],
  ] as const) {
    const parsed = parse(bytes);
    assert.deepEqual(parsed.pairs, ['a', 'b']);
    assert.equal(parsed.normalised, normalised);
  }
});
