import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Matcher, PatternCostError, PatternTime } from './index.ts';

test('a pattern is not matched with a text that it could take seconds with', () => {
  const time = new PatternTime(() => 0, 1_000);
  const large = new Matcher('=~', 'a', '(?:a?){1000}(?:b?){1000}', time);
  assert.ok(large.matches('a'.repeat(500)));
  assert.throws(() => large.matches('a'.repeat(5_000)), PatternCostError);
  assert.ok(new Matcher('=~', 'a', '(?:a?){1000}(?:b?){1000}').matches('a'.repeat(500)));
  const small = new Matcher('=~', 'a', '([a-z0-9-]+)\\.(example|test)(:[0-9]+)?', time);
  assert.ok(small.matches(`${'a'.repeat(100_000)}.example`));
});

test('all matchers of a read have their time together, and what others took of the thread is none of it', () => {
  let nowMs = 0;
  const time = new PatternTime(() => nowMs, 100);
  const [one, other] = ['a+b', '(a|c)+b'].map((pattern) => new Matcher('=~', 'a', pattern, time));
  const text = 'a'.repeat(20_000);
  for (let i = 0; i < 20_000; i++) {
    nowMs += 60_000;
    assert.ok(one.matches('ab'));
  }
  for (let i = 0; i < 5; i++) {
    nowMs += 1;
    one.matches(text);
  }
  assert.throws(() => {
    for (let i = 0; i < 100; i++) {
      nowMs += 10;
      other.matches(text);
    }
  }, PatternCostError);
  assert.throws(() => {
    for (let i = 0; i < 100; i++) one.matches(text);
  }, PatternCostError);
});

test('literals cost nothing', () => {
  const time = new PatternTime(() => 0, 0);
  for (const pattern of ['x|y', 'a.*', '.*b.*', '10\\.(1|2)']) {
    const matcher = new Matcher('=~', 'a', pattern, time);
    for (let i = 0; i < 100; i++) matcher.matches('c'.repeat(100_000));
  }
});
