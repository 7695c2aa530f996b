import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

const SHOWN = 20;

/** A reporter that names the files that took longest, since a gate is as slow as they are. */
export default async function* slowestFiles(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const files: { file: string; durationMs: number }[] = [];
  for await (const { type, data } of events)
    if (type === 'test:summary' && data.file !== undefined)
      files.push({ file: relative(process.cwd(), data.file), durationMs: data.duration_ms });
  files.sort((one, other) => other.durationMs - one.durationMs);
  yield `slowest of ${files.length} files:\n`;
  for (const { file, durationMs } of files.slice(0, SHOWN))
    yield `${(durationMs / 1000).toFixed(1).padStart(7)} s  ${file}\n`;
}
