/** Writes the generated pages of `docs/`; with `--check` it compares them instead, and fails if one is out of date. */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { declaredMetrics, metricsPage } from './metrics-page.ts';

const root = dirname(dirname(import.meta.dirname));

function sources(): string[] {
  const paths = globSync('{libs,services}/**/*.ts', {
    cwd: root,
    exclude: (path) => path.endsWith('node_modules'),
  });
  return paths.filter((path) => !/\.(test|testbed|bench)\.ts$|\/test-/.test(path)).sort();
}

const metrics = sources().flatMap((path) => declaredMetrics(path, readFileSync(join(root, path), 'utf8')));
const pages: Readonly<Record<string, string>> = { 'docs/metrics.md': metricsPage(metrics) };

const isCheck = process.argv.includes('--check');
let outOfDate = 0;
for (const [path, text] of Object.entries(pages)) {
  if (!isCheck) writeFileSync(join(root, path), text);
  else if (readFileSync(join(root, path), 'utf8') !== text) {
    outOfDate++;
    console.error(`${path} is out of date: run npm run docs`);
  }
}
console.log(`docs: ${Object.keys(pages).length} pages, ${outOfDate} out of date`);
if (outOfDate > 0) process.exitCode = 1;
