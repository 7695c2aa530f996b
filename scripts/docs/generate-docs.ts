/** Writes the generated pages of `docs/`; with `--check` it compares them instead, and fails if one is out of date. */
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { settingsOf } from '../../libs/runtime/config-settings.ts';
import { configSchema } from '../../services/all/configuration/config.ts';
import { ROUTES } from '../../services/gateway/routing/routes.ts';
import { apiPage } from './api-page.ts';
import { declaredMetrics, metricsPage } from './metrics-page.ts';
import { settingsPage } from './settings-page.ts';

const root = dirname(dirname(import.meta.dirname));

function sources(): string[] {
  const paths = globSync('{libs,services}/**/*.ts', {
    cwd: root,
    exclude: (path) => path.endsWith('node_modules'),
  });
  return paths.filter((path) => !/\.(test|testbed|bench)\.ts$|\/test-/.test(path)).sort();
}

/** As `npm run format` leaves it. */
function formatted(path: string, text: string): string {
  const biome = join(root, 'node_modules/.bin/biome');
  const options = { cwd: root, input: text, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 } as const;
  const { status, stdout, stderr } = spawnSync(biome, ['format', `--stdin-file-path=${path}`], options);
  if (status !== 0) throw new Error(`${path} cannot be formatted: ${stderr}`);
  return stdout;
}

const metrics = sources().flatMap((path) => declaredMetrics(path, readFileSync(join(root, path), 'utf8')));
const pages: Readonly<Record<string, string>> = {
  'docs/api.md': apiPage(ROUTES),
  'docs/metrics.md': metricsPage(metrics),
  'docs/settings.md': settingsPage(settingsOf(configSchema)),
};

const isCheck = process.argv.includes('--check');
let outOfDate = 0;
for (const [path, unformatted] of Object.entries(pages)) {
  const text = formatted(path, unformatted);
  if (!isCheck) writeFileSync(join(root, path), text);
  else if (readFileSync(join(root, path), 'utf8') !== text) {
    outOfDate++;
    console.error(`${path} is out of date: run npm run docs`);
  }
}
console.log(`docs: ${Object.keys(pages).length} pages, ${outOfDate} out of date`);
if (outOfDate > 0) process.exitCode = 1;
