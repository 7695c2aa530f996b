import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { sleep } from '@xscaler/e2e/harness';

/** `USER_HZ`, in which /proc counts CPU time: 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const IDLE_SHARE = 0.03;
const IDLE_SECONDS = 3;

/** CPU time of all threads of a process so far, user and system, seconds. */
export function cpuSeconds(pid: number): number {
  return ticksOf(`/proc/${pid}/stat`) / TICKS_PER_SECOND;
}

/** The same in milliseconds, of the threads that still run, to the microsecond. */
export function cpuMillis(pid: number): number {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  }
  return nanoseconds / 1e6;
}

/** The same by thread name; threads of one name together. */
export function cpuSecondsByThread(pid: number): Map<string, number> {
  const byName = new Map<string, number>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const folder = `/proc/${pid}/task/${thread}`;
    const name = readFileSync(`${folder}/comm`, 'utf8').trim();
    byName.set(name, (byName.get(name) ?? 0) + ticksOf(`${folder}/stat`) / TICKS_PER_SECOND);
  }
  return byName;
}

function ticksOf(path: string): number {
  // The second field is a name in parentheses that may hold spaces; utime and stime are 14 and 15.
  const fields = readFileSync(path, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** Resident set, bytes. */
export function residentBytes(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(found?.[1] ?? 0) * 1024;
}

/** Bytes of all files below a folder. */
export function folderBytes(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name)).size;
  return bytes;
}

/** Waits until the process has done nothing to speak of for some seconds, `withinMs` at the most. */
export async function settled(pid: number, withinMs: number): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (let idle = 0; idle < IDLE_SECONDS && Date.now() < deadline; ) {
    const before = cpuSeconds(pid);
    await sleep(1_000);
    idle = cpuSeconds(pid) - before <= IDLE_SHARE ? idle + 1 : 0;
  }
}
