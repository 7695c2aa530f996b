import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { freePort, RunningProgram } from '../harness/index.ts';
import { compareAnswers, type KnownDifference, type LanguageAnswer, ourAnswer } from './answer.ts';
import { corpusQueries } from './queries.ts';

const LATE_WORDS =
  'info|fill|fill_left|fill_right|limitk|limit_ratio|start|end|step|range|min_of|max_of|anchored|smoothed|' +
  'histogram_(avg|stddev|stdvar|quantiles)|mad_over_time|first_over_time|ts_of_(first|last|min|max)_over_time|' +
  'sort_by_label|sort_by_label_desc|double_exponential_smoothing|start_timestamp';
const LATE_WORD = new RegExp(`"(${LATE_WORDS})"|<aggr:limit|<(fill|anchored|smoothed)`, 'i');

function theirError(answer: LanguageAnswer): string {
  return 'error' in answer ? answer.error : '';
}

/** What is new since Prometheus 2.42, which Debian has, told by what 2.42 says of it. */
const SINCE_2_42: readonly KnownDifference[] = [
  {
    reason: 'functions, aggregations and modifiers of later versions',
    covers: (query, theirs, ours) =>
      LATE_WORD.test(theirError(theirs)) ||
      LATE_WORD.test(theirError(ours)) ||
      new RegExp(`\\b(${LATE_WORDS})\\b`, 'i').test(query),
  },
  {
    reason: 'operators that trim histograms',
    covers: (query) => /[<>]\//.test(query),
  },
  {
    reason: 'durations as numbers, numbers as durations, and arithmetic on them',
    covers: (query, theirs, ours) =>
      /unexpected duration|expected duration|duration must be|unit character|bad duration syntax|not a valid duration/.test(
        theirError(theirs),
      ) ||
      /unknown unit|duration expression|expected ':'|bad number or duration/.test(theirError(ours)) ||
      (/\[[^\]]*[-+*/%^()]/.test(query) && /subquery|duration/.test(theirError(theirs) + theirError(ours))) ||
      (/[0-9][smhdwy]\b/.test(query) && theirError(theirs).includes('trailing commas')),
  },
  {
    reason: 'names in quotes',
    covers: (_query, theirs) =>
      /unexpected string .* in (label matching, expected identifier|grouping opts)/.test(theirError(theirs)),
  },
  {
    reason: 'separators in numbers, and a lexer that reads further into bad ones',
    covers: (query, theirs, ours) =>
      /\d_|0x_/i.test(query) ||
      /bad number|parsing number|unexpected number/.test(theirError(theirs) + theirError(ours)) ||
      /0x[0-9a-f]*e[-+]/i.test(query),
  },
  {
    reason: '2.42 has no name for @ in its errors',
    covers: (_query, theirs) => theirError(theirs).includes('<Item '),
  },
  {
    reason: '2.42 prints large and small numbers with an exponent',
    covers: (_query, theirs, ours) =>
      'text' in theirs &&
      'text' in ours &&
      /\de[-+]\d\d/.test(theirs.text) &&
      sameText(theirs.text, ours.text),
  },
  {
    reason: '2.42 places the fault of an empty query',
    covers: (query) => query === '',
  },
  {
    reason: '2.42 shows a regular expression as it is wrapped for the engine',
    covers: (_query, theirs, ours) =>
      theirError(theirs).includes('error parsing regexp') &&
      theirError(ours).includes('error parsing regexp'),
  },
  {
    reason: 'names with a colon to group by',
    covers: (_query, theirs) => /unexpected metric identifier .* in grouping opts/.test(theirError(theirs)),
  },
  {
    reason: '2.42 leaves a group_left without labels out of its print',
    covers: (_query, theirs, ours) =>
      'text' in theirs && 'text' in ours && /group_(left|right) \(\)/.test(ours.text),
  },
  {
    reason: 'holt_winters has another name now',
    covers: (query) => query.includes('holt_winters'),
  },
];

/** Whether what 2.42 printed is what we print, read again. */
function sameText(theirs: string, ours: string): boolean {
  const again = ourAnswer(theirs);
  return 'text' in again && again.text === ours;
}

const folder = mkdtempSync(join(tmpdir(), 'xscaler-language-'));
let program: RunningProgram;
let url: string;

before(async () => {
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  writeFileSync(join(folder, 'prometheus.yml'), '{}');
  program = new RunningProgram('prometheus', [
    `--config.file=${folder}/prometheus.yml`,
    `--storage.tsdb.path=${folder}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--enable-feature=promql-at-modifier,promql-negative-offset',
  ]);
  await program.untilReady(`${url}/-/ready`, 60_000);
});

after(async () => {
  await program.end('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

async function theirAnswer(query: string): Promise<LanguageAnswer> {
  const response = await fetch(`${url}/api/v1/format_query`, {
    method: 'POST',
    body: new URLSearchParams({ query }),
  });
  const answer = (await response.json()) as { status: string; data?: string; error?: string };
  if (answer.status === 'success') return { text: answer.data ?? '' };
  return { error: (answer.error ?? '').replace('invalid parameter "query": ', '') };
}

test('a real Prometheus 2.42 takes, refuses and prints what we do, word for word, but for what is newer', async () => {
  const queries = corpusQueries({ count: 6_000, classic: true });
  const theirs: LanguageAnswer[] = [];
  for (const query of queries) theirs.push(await theirAnswer(query));
  const { same, explained, unexplained } = compareAnswers(queries, theirs, SINCE_2_42, (one, other) =>
    'text' in one ? 'text' in other && one.text === other.text : one.error === theirError(other),
  );
  console.log(
    `${same} of ${queries.length} the same; ${JSON.stringify(Object.fromEntries(explained), null, 1)}`,
  );
  assert.deepEqual(unexplained, []);
  assert.ok(same > 0.7 * queries.length);
});
