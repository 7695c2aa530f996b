import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../answer/api-error.ts';
import { MIN_TIME_MS, Parameters } from './parameters.ts';

function get(query: string): Parameters {
  return new Parameters({
    tenant: 't',
    method: 'GET',
    path: '/',
    query,
    headers: {},
    body: new Uint8Array(0),
  });
}

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof ApiError);
    assert.equal(error.errorType, 'bad_data');
    return error.message;
  }
  return assert.fail('not refused');
}

test('times are seconds with a fraction, or RFC 3339', () => {
  assert.equal(get('time=1435781451.781').timeMs('time', 0), 1_435_781_451_781);
  assert.equal(get('time=-1.5').timeMs('time', 0), -1_500);
  assert.equal(get('time=1e3').timeMs('time', 0), 1_000_000);
  assert.equal(get('time=2015-07-01T20:10:51.781Z').timeMs('time', 0), 1_435_781_451_781);
  assert.equal(get('time=2015-07-01T22:10:51%2B02:00').timeMs('time', 0), 1_435_781_451_000);
  assert.equal(get('time=-292273086-05-16T16:47:06Z').timeMs('time', 0), MIN_TIME_MS);
  assert.equal(get('').timeMs('time', 42), 42);
});

test('an invalid time is refused in Prometheus’ words', () => {
  for (const text of [
    'foo',
    '30d',
    '2015-07-01',
    'Infinity',
    '0x10',
    '2020-02-31T00:00:00Z',
    '2020-13-01T00:00:00Z',
  ]) {
    assert.equal(
      refusal(() => get(`time=${text}`).timeMs('time', 0)),
      `invalid parameter "time": Invalid time value for 'time': cannot parse "${text}" to a valid timestamp`,
    );
    assert.equal(
      refusal(() => get(`start=${text}`).requiredTimeMs('start')),
      `invalid parameter "start": cannot parse "${text}" to a valid timestamp`,
    );
  }
});

test('durations are seconds, or Prometheus’ own form', () => {
  assert.equal(get('step=15').durationMs('step'), 15_000);
  assert.equal(get('step=0.5').durationMs('step'), 500);
  assert.equal(get('step=1h30m').durationMs('step'), 5_400_000);
  assert.equal(get('step=100ms').durationMs('step'), 100);
  assert.equal(get('').durationMs('step'), undefined);
  assert.equal(
    refusal(() => get('step=5x').durationMs('step')),
    'invalid parameter "step": cannot parse "5x" to a valid duration',
  );
  assert.equal(
    refusal(() => get('step=1e99').durationMs('step')),
    'invalid parameter "step": cannot parse "1e99" to a valid duration. It overflows int64',
  );
  refusal(() => get('step=30m1h').durationMs('step'));
});

test('a lookback that is not positive means the default, and an invalid one has its own error text', () => {
  assert.equal(get('lookback_delta=90').lookbackDeltaMs(), 90_000);
  assert.equal(get('lookback_delta=0').lookbackDeltaMs(), undefined);
  assert.equal(get('lookback_delta=-5').lookbackDeltaMs(), undefined);
  assert.equal(
    refusal(() => get('lookback_delta=x').lookbackDeltaMs()),
    'error parsing lookback delta duration: cannot parse "x" to a valid duration',
  );
});

test('a form body counts like the query string, and takes precedence', () => {
  const parameters = new Parameters({
    tenant: 't',
    method: 'POST',
    path: '/',
    query: 'query=a&match[]=x',
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    body: new Uint8Array(Buffer.from('query=b%2Bc&match[]=y')),
  });
  assert.equal(parameters.text('query'), 'b+c');
  assert.deepEqual(parameters.all('match[]'), ['y', 'x']);
});

test('an unreadable pair is skipped and the others are used', () => {
  const parameters = get('query=%zz&time=5&step=1;x=2&end=%4&start=%37');
  assert.deepEqual(
    ['query', 'time', 'step', 'x', 'end', 'start'].map((name) => parameters.text(name)),
    ['', '5', '', '', '', '7'],
  );
});

test('a selector that every series satisfies is refused, as is one that does not parse', () => {
  assert.equal(
    refusal(() => get('match[]={a=~".*"}').matcherSets()),
    'match[] must contain at least one non-empty matcher',
  );
  assert.match(
    refusal(() => get('match[]={a=').matcherSets()),
    /^\d+:\d+: parse error/,
  );
  assert.deepEqual(
    get('match[]=up&match[]={a="b"}')
      .matcherSets()
      .map((set) => set.map(String)),
    [['__name__="up"'], ['a="b"']],
  );
});

test('limits are non-negative integers', () => {
  assert.equal(get('limit=5').limit(), 5);
  assert.equal(get('').limit(), 0);
  refusal(() => get('limit=-1').limit());
  assert.equal(
    refusal(() => get('limit=1.5').limit()),
    'invalid parameter "limit": strconv.Atoi: parsing "1.5": invalid syntax',
  );
});

test('the number of selectors is limited', () => {
  const selectors = Array.from({ length: 101 }, (_, i) => `match[]=m${i}`);
  assert.equal(get(selectors.slice(1).join('&')).matcherSets().length, 100);
  assert.match(
    refusal(() => get(selectors.join('&')).matcherSets()),
    /more than 100 selectors/,
  );
});
