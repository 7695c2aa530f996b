import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitsSchema } from './limits.ts';
import { mergeLimits, mergeValidLimits } from './tenant-limits.ts';

const defaults = limitsSchema.parse({ max_label_names_per_series: 99 });

test('overrides lie on top of the configured defaults, not of the schema’s', () => {
  const limits = mergeLimits(defaults, { ingestion_rate: 5, out_of_order_time_window: '1h30m' });
  assert.deepEqual(limits, { ...defaults, ingestion_rate: 5, out_of_order_time_window: 5_400_000 });
  assert.equal(limits.max_label_names_per_series, 99);
});

test('an unknown limit or a wrong value is refused by name', () => {
  const unknown = { ingestion_rat: 5 } as object;
  assert.throws(() => mergeLimits(defaults, unknown), { code: 'invalid', message: /ingestion_rat/ });
  assert.throws(() => mergeLimits(defaults, { ingestion_rate: -1 }), {
    code: 'invalid',
    message: /ingestion_rate/,
  });
  const wrong = { out_of_order_time_window: 'soon' };
  assert.throws(() => mergeLimits(defaults, wrong), { code: 'invalid', message: /not a duration/ });
  const inherited = JSON.parse('{"__proto__": 5, "constructor": 1}') as object;
  assert.throws(() => mergeLimits(defaults, inherited), { code: 'invalid' });
});

test('what another version stored is taken as far as it is valid', () => {
  const { limits, faults } = mergeValidLimits(defaults, { gone: 1, ingestion_rate: 7 } as object);
  assert.equal(limits.ingestion_rate, 7);
  assert.deepEqual(faults, ['unknown limit gone']);
});
