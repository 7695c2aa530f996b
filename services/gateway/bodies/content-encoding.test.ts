import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { acceptedEncoding } from './content-encoding.ts';

test('the client chooses, zstd before gzip if it does not', () => {
  const choices: [string | undefined, string | undefined][] = [
    [undefined, undefined],
    ['', undefined],
    ['identity', undefined],
    ['gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['gzip, deflate, br', 'gzip'],
    ['gzip,zstd', 'zstd'],
    ['zstd;q=0.1, gzip;q=0.2', 'gzip'],
    ['zstd ; q=0.3 , gzip', 'gzip'],
    ['zstd;q=0, gzip', 'gzip'],
    ['*', 'zstd'],
    ['*;q=0.5, zstd;q=0', 'gzip'],
    ['gzip;q=0', undefined],
    ['br', undefined],
    ['gzip;q=bogus', 'gzip'],
  ];
  for (const [header, expected] of choices) assert.equal(acceptedEncoding(header), expected, String(header));
});

test('no header is too odd', () => {
  const part = fc.oneof(
    fc.constantFrom('gzip', 'zstd', '*', ';q=', ',', ';', '=', '0', '1.5', ' '),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      assert.ok(['gzip', 'zstd', undefined].includes(acceptedEncoding(parts.join(''))));
    }),
  );
});
