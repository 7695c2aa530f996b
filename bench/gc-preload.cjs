// Preloaded by Node into every thread of a program that is measured: how long the collector has stopped the thread so far, ms.
const { writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { PerformanceObserver } = require('node:perf_hooks');
const { threadId } = require('node:worker_threads');

let pausedMs = 0;
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) pausedMs += duration;
}).observe({ entryTypes: ['gc'] });

const path = join(process.env.BENCH_GC_FOLDER, String(threadId));
setInterval(() => writeFileSync(path, String(pausedMs)), 500).unref();
