import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { generateOrgId, generateTenantId } from './generated-ids.ts';
import { generateToken, hashToken, isGeneratedToken, parseBearer, sameHash } from './tokens.ts';

test('a token is the prefix and 32 characters, never the same twice', () => {
  const tokens = Array.from({ length: 1000 }, () => generateToken());
  for (const token of tokens) assert.match(token, /^xag_[A-Za-z0-9]{32}$/);
  for (const token of tokens) assert.ok(isGeneratedToken(token));
  assert.equal(new Set(tokens).size, 1000);
});

test('every character of a token is equally likely', () => {
  // All byte values equally often: whatever is thrown away, each of the 62 characters must come out equally often.
  let next = 0;
  const everyByte = (size: number) => Uint8Array.from({ length: size }, () => next++ & 255);
  const counts = new Map<string, number>();
  // 31 tokens of 32 characters are 992 = 62 × 16: four rounds of the 248 bytes that are kept.
  for (let i = 0; i < 31; i++) {
    for (const character of generateToken(everyByte).slice(4)) {
      counts.set(character, (counts.get(character) ?? 0) + 1);
    }
  }
  assert.equal(counts.size, 62);
  assert.ok(Math.max(...counts.values()) - Math.min(...counts.values()) <= 8);
});

test('bytes that would favour some characters are thrown away', () => {
  let calls = 0;
  const token = generateToken((size) => new Uint8Array(size).fill(calls++ < 3 ? 248 + calls : 0));
  assert.equal(token, `xag_${'A'.repeat(32)}`);
  assert.equal(calls, 4);
});

test('the hash is SHA-256 in hex', () => {
  assert.equal(hashToken('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});

test('hashes are the same only if they are equal', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      assert.equal(sameHash(hashToken(a), hashToken(b)), a === b);
      assert.ok(sameHash(hashToken(a), hashToken(a)));
    }),
  );
  assert.ok(!sameHash('ab', 'abc'));
});

test('a bearer header gives its token, anything else nothing', () => {
  assert.equal(parseBearer('Bearer xag_1'), 'xag_1');
  assert.equal(parseBearer('bearer   xag_1'), 'xag_1');
  for (const header of [undefined, '', 'Bearer', 'Bearer ', 'Basic abc', 'Bearer a b', 'xag_1', 'Bearer ä']) {
    assert.equal(parseBearer(header), undefined);
  }
  assert.equal(parseBearer(`Bearer ${'a'.repeat(257)}`), undefined);
});

test('generated ids have their slug and their random part', () => {
  assert.match(generateTenantId('Team Überflüssig, Inc.'), /^xs_team-uberflussig-inc_[a-z2-7]{8}$/);
  assert.match(generateTenantId('日本'), /^xs_tenant_[a-z2-7]{8}$/);
  assert.match(generateTenantId('a'.repeat(31) + '-'.repeat(9) + 'b'.repeat(99)), /^xs_a{31}_[a-z2-7]{8}$/);
  assert.match(generateOrgId(), /^xs_org_[0-9a-f]{32}$/);
});
