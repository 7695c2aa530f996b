import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressHealth } from './address-health.ts';

function healthAt(random: () => number) {
  const time = { nowMs: 0 };
  const health = new AddressHealth({
    failuresToOpen: 3,
    coolDownMs: 100,
    maxCoolDownMs: 1000,
    clock: () => time.nowMs,
    random,
  });
  return { time, health };
}

test('failures in a row open the circuit, for twice as long each time, up to a bound', () => {
  const { time, health } = healthAt(() => 0.5);
  health.failed();
  health.failed();
  assert.equal(health.isCooling, false);
  for (const coolDownMs of [100, 200, 400, 800, 1000, 1000]) {
    health.failed();
    time.nowMs += coolDownMs - 1;
    assert.equal(health.isCooling, true);
    time.nowMs += 1;
    assert.equal(health.isCooling, false);
  }
});

test('many requests that fail together count as one failure more', () => {
  const { time, health } = healthAt(() => 0.5);
  for (let i = 0; i < 100; i++) health.failed();
  assert.equal(health.failures, 3);
  time.nowMs = 100;
  assert.equal(health.isCooling, false);
});

test('a success closes the circuit and forgets', () => {
  const { health } = healthAt(() => 0.5);
  for (let i = 0; i < 5; i++) health.failed();
  assert.equal(health.isCooling, true);
  health.succeeded();
  assert.equal(health.isCooling, false);
  health.failed();
  health.failed();
  assert.equal(health.isCooling, false);
});

test('callers come back at different times', () => {
  const early = healthAt(() => 0).health;
  const late = healthAt(() => 0.9999).health;
  for (const health of [early, late]) for (let i = 0; i < 3; i++) health.failed();
  assert.equal(early.coolUntilMs, 75);
  assert.ok(late.coolUntilMs > 124 && late.coolUntilMs < 125);
});
