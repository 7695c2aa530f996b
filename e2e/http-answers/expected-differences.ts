import type { Answer } from '../harness/index.ts';
import type { ComparedRequest } from './requests.ts';

/** What of an answer is compared. */
export interface Shown {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly body: string;
}

export function shownOf({ status, headers, text }: Answer): Shown {
  return { status, contentType: headers['content-type'] as string | undefined, body: withoutTimings(text) };
}

/** What must differ: how long it took, and what the engines held in memory on their ways. */
function withoutTimings(body: string): string {
  return body.replace(/"(\w+Time)":[0-9.e-]+/g, '"$1":0').replace(/"peakSamples":\d+/, '"peakSamples":0');
}

/** Something that Prometheus 3.14 answers otherwise than 2.42. */
interface Difference {
  readonly why: string;
  /** Body of an answer of 2.42 as 3.14 gives it. */
  adapt(body: string, request: ComparedRequest): string;
}

const DIFFERENCES: readonly Difference[] = [
  {
    why: 'labels of samples are written without escapes for HTML',
    adapt: (body, { path }) =>
      /query(_range)?$/.test(path) && body.includes('"metric":') ? unescaped(body) : body,
  },
  {
    why: 'query_range names the parameter of a query that cannot be read, as query has always done',
    adapt: (body, { path }) =>
      path.endsWith('query_range')
        ? body.replace(
            /"error":"(?=\d+:\d+: parse error|invalid expression type)/,
            '"error":"invalid parameter \\"query\\": ',
          )
        : body,
  },
  {
    why: 'a fault of an empty text has no position',
    adapt: (body, { params }) =>
      (params.query ?? params['match[]'] ?? '') === ''
        ? body.replace('1:1: parse error', 'unknown position: parse error')
        : body,
  },
  replacing(
    'a range may be an expression',
    'missing unit character in duration',
    'unexpected end of input in duration expression',
  ),
  replacing(
    'an offset may be one too',
    'in offset, expected duration',
    'in offset, expected number, duration, step(), or range()',
  ),
  replacing('regular expressions are parsed before they are anchored', '`^(?:()$`', '`(`'),
  replacing('a k that is NaN is named so', 'Scalar value NaN overflows int64', 'Parameter value is NaN'),
  {
    why: 'sorting in a range query is told to be of no use',
    adapt: (body, request) => {
      if (!request.path.endsWith('query_range') || !/^sort(_desc)?\(/.test(queryOf(request))) return body;
      const text = 'sort is ineffective for range queries since results are always ordered by labels (1:1)';
      return withTail(body, `"warnings":["PromQL warning: ${text}"]`);
    },
  },
  {
    why: 'a quantile outside of 0 and 1 is told',
    adapt: (body, request) =>
      queryOf(request).startsWith('quantile_over_time(scalar(nothing)') && body.includes('"success"')
        ? withTail(
            body,
            '"warnings":["PromQL warning: quantile value should be between 0 and 1, got NaN (1:20)"]',
          )
        : body,
  },
];

/** What xscaler must answer if Prometheus 2.42 answered this. */
export function expectedOf(theirs: Answer, request: ComparedRequest): Shown {
  if (request.newer) {
    const { status, body } = request.newer;
    return { status, contentType: status === 204 ? undefined : 'application/json', body };
  }
  const shown = shownOf(theirs);
  const body = DIFFERENCES.reduce((adapted, { adapt }) => adapt(adapted, request), shown.body);
  return { ...shown, body };
}

function replacing(why: string, before: string, now: string): Difference {
  return { why, adapt: (body) => body.replace(before, now) };
}

function unescaped(body: string): string {
  return body.replace(/\\u(003c|003e|0026|2028|2029)/g, (_, code) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}

function withTail(body: string, members: string): string {
  return `${body.slice(0, -1)},${members}}`;
}

function queryOf({ params: { query } }: ComparedRequest): string {
  return typeof query === 'string' ? query : '';
}
