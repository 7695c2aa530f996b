import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from './logging.ts';

function logged(
  write: (logger: ReturnType<typeof createLogger>) => void,
  level: 'debug' | 'info' = 'debug',
): string {
  const lines: string[] = [];
  write(
    createLogger({ service: 'test', level, destination: { write: (line: string) => void lines.push(line) } }),
  );
  return lines.join('');
}

const TOKEN = 'xag_0123456789abcdefABCDEF0123456789';

test('a line is JSON with level, service and time', () => {
  const line = JSON.parse(logged((logger) => logger.info({ tenant: 'a' }, 'hello')));
  assert.equal(line.level, 'info');
  assert.equal(line.service, 'test');
  assert.equal(line.tenant, 'a');
  assert.equal(line.msg, 'hello');
  assert.ok(Date.parse(line.time) > 0);
});

test('lines below the level are not written', () => {
  assert.equal(
    logged((logger) => logger.debug('quiet'), 'info'),
    '',
  );
});

test('no token and no Authorization header reaches a line, wherever it stands', () => {
  const cases: ((logger: ReturnType<typeof createLogger>) => void)[] = [
    (logger) => logger.info(`token ${TOKEN} was used`),
    (logger) => logger.info({ deep: { list: [{ token: TOKEN }] } }, 'x'),
    (logger) => logger.error({ err: new Error(`no ${TOKEN}`) }, 'x'),
    (logger) => logger.error(new Error(`no ${TOKEN}`)),
    (logger) => logger.info({ [TOKEN]: 1 }, 'x'),
    (logger) => logger.info({ headers: { authorization: 'Bearer s3cr3t' } }, 'x'),
    (logger) => logger.info({ headers: { Authorization: 's3cr3t with spaces' } }, 'x'),
    (logger) => logger.info({ headers: { authorization: ['s3cr3t'] } }, 'x'),
    (logger) => logger.info({ rawHeaders: ['Host', 'x', 'Authorization', 'Basic s3cr3t'] }, 'x'),
    (logger) => logger.info({ text: JSON.stringify({ authorization: 's3cr3t "quoted"' }) }, 'x'),
    (logger) => logger.info('Authorization: Bearer s3cr3t'),
    (logger) => logger.child({ auth: `Bearer ${TOKEN}` }).info('x'),
    (logger) => logger.info('%s', TOKEN),
  ];
  for (const write of cases) {
    const line = logged(write);
    assert.doesNotMatch(line, /0123456789|s3cr3t/);
    assert.match(line, /\[redacted\]/);
    assert.doesNotThrow(() => JSON.parse(line), line);
  }
});

test('a line without secrets is left unchanged', () => {
  const line = JSON.parse(
    logged((logger) => logger.info({ a: 'author', b: 'the bearer', c: 'xag' }, 'authorization failed')),
  );
  assert.deepEqual(
    [line.a, line.b, line.c, line.msg],
    ['author', 'the bearer', 'xag', 'authorization failed'],
  );
});

test('a warning that repeats is written once a minute, with how often it came in between', () => {
  const lines: { msg: string; partition?: number; repeats?: number }[] = [];
  let nowMs = 0;
  const logger = createLogger({
    service: 'test',
    level: 'info',
    destination: { write: (line: string) => void lines.push(JSON.parse(line)) },
    clock: () => nowMs,
  });
  for (; nowMs <= 120_000; nowMs += 1_000) {
    logger.warn({ partition: 1 }, 'the log is unreachable');
    if (nowMs === 5_000) logger.warn({ partition: 2 }, 'the log is unreachable');
    if (nowMs < 3_000) logger.error({ partition: 1 }, 'it is broken');
  }
  const said = lines.map(({ msg, partition, repeats }) => [msg, partition, repeats]);
  assert.deepEqual(said, [
    ['the log is unreachable', 1, undefined],
    ['it is broken', 1, undefined],
    ['it is broken', 1, undefined],
    ['it is broken', 1, undefined],
    ['the log is unreachable', 2, undefined],
    ['the log is unreachable', 1, 59],
    ['the log is unreachable', 1, 59],
  ]);
});
