import type { Row } from '@xscaler/database';
import type { Random } from '@xscaler/e2e/harness';
import { BrokenPromiseError } from './expectations.ts';
import { Network } from './network.ts';
import { IngesterProcess, type Surroundings } from './processes.ts';
import { type ClusterSettings, ingesterSettings } from './settings.ts';
import { SimulatedDatabase } from './simulated-database.ts';
import { SimulatedRegistry } from './simulated-registry.ts';
import type { Tables } from './tables.ts';

const LEDGER = `SELECT tenant, partition, window_start_ms, window_ms, seq, from_offset, to_offset, sample_count, digest
  FROM ledger ORDER BY tenant, partition, window_start_ms, seq`;

/** Virtual time in which nothing more is stored once all is, and within which something must be, ms. */
const QUIET_MS = 3_000;
const PATIENCE_MS = 60_000;

/**
 * Reads the whole log once more with an ingester of other settings and an empty database: what it stores must be, head
 * for head, what the cluster stored through all its faults. The tables are cleared: nothing else of the cluster's is read again.
 * @throws BrokenPromiseError if a head differs or is missing on either side
 */
export async function audit(
  random: Random,
  settings: ClusterSettings,
  around: Surroundings,
  tables: Tables,
): Promise<number> {
  const { time, log, database: stored } = around;
  const forgotten = log.partitions.map(({ startOffset }) => startOffset);
  for (const partition of log.partitions) partition.startOffset = 0;
  const expected = await stored.query(LEDGER, []);
  const database = new SimulatedDatabase(time, random, tables);
  const registry = new SimulatedRegistry(time);
  const surroundings = { ...around, network: new Network(time, random), database, registry };
  const own = ingesterSettings(random, 'audit', 0, { ...settings, ingestersIn: { audit: 1 } });
  // It cuts nothing itself: the log says where heads end.
  const never = Number.MAX_SAFE_INTEGER;
  const cuts = { graceMs: never, lateHeadAgeMs: never, lateHeadBytes: never, maxHeadBytes: never };
  const auditor = new IngesterProcess('auditor', surroundings, { ...own, otherZoneMs: 0, cuts });
  auditor.start();
  let found: Row[] = [];
  let quietSinceMs = time.nowMs;
  while (time.nowMs - quietSinceMs < QUIET_MS || !isLive(auditor)) {
    if (time.nowMs - quietSinceMs > PATIENCE_MS)
      throw new BrokenPromiseError('the audit does not get to its end');
    await time.run(time.nowMs + 1_000);
    const rows = await database.query(LEDGER, []);
    if (rows.length > found.length) quietSinceMs = time.nowMs;
    found = rows;
  }
  auditor.kill();
  compare(expected, found, forgotten);
  return found.length;
}

function isLive(ingester: IngesterProcess): boolean {
  return Object.values(ingester.status()).every(({ state }) => state === 'live');
}

/** Ledger rows below `forgotten`, by partition, are gone from the cluster's ledger with the log's records. */
function compare(expected: readonly Row[], found: readonly Row[], forgotten: readonly number[]): void {
  const texts = new Set(found.map((row) => JSON.stringify(row)));
  for (const row of expected) {
    if (!texts.delete(JSON.stringify(row))) {
      throw new BrokenPromiseError(`a replay of the whole log does not give the head ${JSON.stringify(row)}`);
    }
  }
  for (const text of texts) {
    const { partition, to_offset } = JSON.parse(text);
    if (to_offset >= forgotten[partition])
      throw new BrokenPromiseError(`the cluster has not stored the head ${text}`);
  }
}
