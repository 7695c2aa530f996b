/** A metric as the code declares it. */
export interface DeclaredMetric {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
}

const DECLARATION = /new (Counter|Gauge|Histogram)(?:<[^>]*>)?\(\{/g;
/** Name and help, passed to something that makes the metric. */
const PAIR = /[[(]\s*'(xscaler_\w+)',\s*'((?:\\.|[^'\\])*)'\s*[,\])]/g;
/** Such a maker passes them on. */
const PASSED_ON = /\{\s*name,\s*help,/;
const STRING = /'((?:\\.|[^'\\])*)'/;

/**
 * The metrics that a source file declares, in order. A declaration is read as the formatter writes it: with its name, help
 * and labels as literals.
 * @throws Error if a declaration has no literal name or help
 */
export function declaredMetrics(path: string, source: string): DeclaredMetric[] {
  const metrics: DeclaredMetric[] = [];
  for (const match of source.matchAll(DECLARATION)) {
    const options = source.slice(match.index, source.indexOf('registers', match.index));
    if (PASSED_ON.test(options)) continue;
    const name = propertyOf(options, 'name');
    const help = propertyOf(options, 'help');
    if (name === undefined || help === undefined)
      throw new Error(`${path}: a metric's name and help must be literals: ${options.slice(0, 80)}`);
    const labels = /labelNames: \[([^\]]*)\]/.exec(options)?.[1] ?? '';
    metrics.push({
      name,
      type: match[1].toLowerCase() as DeclaredMetric['type'],
      labels: [...labels.matchAll(/'(\w+)'/g)].map(([, label]) => label),
      help,
    });
  }
  for (const [, name, help] of source.matchAll(PAIR))
    metrics.push({
      name,
      type: name.endsWith('_total') ? 'counter' : 'gauge',
      labels: [],
      help: unescaped(help),
    });
  return metrics;
}

/** The Markdown page of all metrics, a table for each part of the program. */
export function metricsPage(metrics: readonly DeclaredMetric[]): string {
  const lines = [
    '# Metrics',
    '',
    'Generated from the code by `npm run docs`. Every metric also has the label `service`. `ops_listen` serves all of them;',
    'the public `/metrics` leaves out names of tenants. The default metrics of prom-client (`process_…`, `nodejs_…`) are there too.',
  ];
  const groups = Map.groupBy(metrics, ({ name }) => name.split('_')[1]);
  for (const [group, members] of [...groups].sort(([one], [other]) => (one < other ? -1 : 1))) {
    lines.push('', `## ${group}`, '', '| metric | type | labels | meaning |', '| --- | --- | --- | --- |');
    for (const { name, type, labels, help } of members.toSorted((one, other) =>
      one.name < other.name ? -1 : 1,
    ))
      lines.push(
        `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${sentence(help)} |`,
      );
  }
  return `${lines.join('\n')}\n`;
}

function propertyOf(options: string, property: string): string | undefined {
  const found = new RegExp(`\\b${property}:\\s*${STRING.source}`).exec(options);
  return found ? unescaped(found[1]) : undefined;
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, '$1');
}

function sentence(help: string): string {
  return (help.endsWith('.') ? help : `${help}.`).replaceAll('|', '\\|');
}
