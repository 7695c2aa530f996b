import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

const SHOWN = 20;

/**
 * A reporter that names the files that took longest, since a gate is as slow as they are. It does so before the runner
 * counts the tests: the count comes last. The runner loads it by its path.
 *
 * @public
 */
export default async function* slowestFiles(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const files: { file: string; durationMs: number }[] = [];
  for await (const { type, data } of events) {
    if (type === 'test:summary' && data.file !== undefined)
      files.push({ file: relative(process.cwd(), data.file), durationMs: data.duration_ms });
    if (type === 'test:diagnostic' && data.nesting === 0 && data.message.startsWith('tests '))
      yield slowest(files);
  }
}

function slowest(files: { file: string; durationMs: number }[]): string {
  files.sort((one, other) => other.durationMs - one.durationMs);
  const lines = files
    .slice(0, SHOWN)
    .map(({ file, durationMs }) => `${(durationMs / 1000).toFixed(1).padStart(7)} s  ${file}\n`);
  return `slowest of ${files.length} files:\n${lines.join('')}`;
}
