import type { MetricMetadata, MetricType } from '@xscaler/model';
import type { SqlRunner, SqlValue } from '../sql/database.ts';

type MetadataRow = { metric: string; type: string; help: string; unit: string };

/** Rows one statement inserts; the few that remain go one by one, so that there are two statements to prepare. */
const ROWS_PER_STATEMENT = 64;
const COLUMNS = 5;

/** Writes a tenant's metadata, a row a metric: of several entries for one metric the last stands. */
export async function storeMetadata(
  tx: SqlRunner,
  tenant: string,
  entries: readonly MetricMetadata[],
): Promise<void> {
  const byMetric = new Map(entries.map((entry) => [entry.metric, entry]));
  // In one order for all writers, so that two of them never wait for each other's rows.
  const sorted = [...byMetric.values()].sort((a, b) => (a.metric < b.metric ? -1 : 1));
  const inFull = sorted.length - (sorted.length % ROWS_PER_STATEMENT);
  for (let i = 0; i < inFull; i += ROWS_PER_STATEMENT) {
    await upsert(tx, tenant, sorted.slice(i, i + ROWS_PER_STATEMENT));
  }
  for (let i = inFull; i < sorted.length; i++) await upsert(tx, tenant, [sorted[i]]);
}

async function upsert(tx: SqlRunner, tenant: string, entries: readonly MetricMetadata[]): Promise<void> {
  const rows: string[] = [];
  const params: SqlValue[] = [];
  for (const { metric, type, help, unit } of entries) {
    const places = Array.from({ length: COLUMNS }, (_, i) => `$${params.length + i + 1}`);
    rows.push(`(${places.join(', ')})`);
    params.push(tenant, metric, type, help, unit);
  }
  await tx.query(
    `INSERT INTO metadata (tenant, metric, type, help, unit) VALUES ${rows.join(', ')}
     ON CONFLICT (tenant, metric) DO UPDATE SET type = excluded.type, help = excluded.help, unit = excluded.unit`,
    params,
  );
}

/** A tenant's metadata, of one metric or of all, ordered by metric. */
export async function readMetadata(
  db: SqlRunner,
  tenant: string,
  metric: string | undefined,
): Promise<MetricMetadata[]> {
  const columns = 'SELECT metric, type, help, unit FROM metadata WHERE tenant = $1';
  const rows =
    metric === undefined
      ? await db.query<MetadataRow>(columns, [tenant])
      : await db.query<MetadataRow>(`${columns} AND metric = $2`, [tenant, metric]);
  return rows
    .map((row) => ({ metric: row.metric, type: row.type as MetricType, help: row.help, unit: row.unit }))
    .sort((a, b) => (a.metric < b.metric ? -1 : 1));
}
