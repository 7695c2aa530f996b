import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { withoutSecrets } from './logging.ts';

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const token = fc
  .string({ unit: fc.constantFrom(...ALPHANUMERIC), minLength: 32, maxLength: 32 })
  .map((random) => `xag_${random}`);

test('whatever is around a token, the line loses the token and stays JSON', () => {
  fc.assert(
    fc.property(token, fc.string(), fc.string(), fc.jsonValue(), (secret, before, after, rest) => {
      const line = JSON.stringify({
        rest,
        text: before + secret + after,
        [secret]: JSON.stringify({ secret }),
      });
      const clean = withoutSecrets(line);
      assert.ok(!clean.includes(secret.slice(4)));
      JSON.parse(clean);
    }),
  );
});

test('whatever an Authorization header holds, the line loses it and stays JSON', () => {
  const value = fc.string({ unit: 'binary', minLength: 8 }).filter((text) => /^[^"\\,\]}\s]{8,}$/.test(text));
  fc.assert(
    fc.property(
      value,
      fc.constantFrom('authorization', 'Authorization'),
      fc.string(),
      (secret, name, other) => {
        const marked = `s3cr3t${secret}`;
        const lines = [
          JSON.stringify({ other, headers: { [name]: marked, after: other } }),
          JSON.stringify({ rawHeaders: ['host', other, name, marked] }),
          JSON.stringify({ text: JSON.stringify({ [name]: marked }) }),
        ];
        for (const line of lines) {
          const clean = withoutSecrets(line);
          assert.ok(!clean.includes('s3cr3t'), clean);
          JSON.parse(clean);
        }
      },
    ),
  );
});
