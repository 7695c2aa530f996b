import type { Database } from '@xscaler/database';
import { openPostgresDatabase } from '@xscaler/database/postgres';
import type { Config } from '../config.ts';
import { checkBlocks, checkSchema } from './data-folder.ts';
import { type Finding, fault, ok } from './finding.ts';

/** Checks of what the services of a cluster share. Changes nothing. */
export async function checkCluster(config: Config, signal: AbortSignal): Promise<Finding[]> {
  return [secretOf(config), ...(await databaseFindings(config, signal))];
}

/** Runs `work` on the cluster's PostgreSQL, whose schema stays as it is. */
export async function withClusterDatabase<T>(config: Config, work: (db: Database) => Promise<T>): Promise<T> {
  const { url, password_file: passwordFile } = config.database;
  const db = openPostgresDatabase({
    url,
    ...(passwordFile !== '' && { passwordFile }),
    maxConnections: 2,
    applicationName: 'xscaler-doctor',
    onConnectionLost: () => {},
  });
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

function secretOf({ cluster }: Config): Finding {
  if (cluster.secret !== '') return ok('cluster.secret is set');
  return fault('cluster.secret is not set: services believe whoever reaches them', 'openssl rand -hex 32');
}

async function databaseFindings(config: Config, signal: AbortSignal): Promise<Finding[]> {
  try {
    return await withClusterDatabase(config, async (db) => {
      const schema = await checkSchema(db, 'PostgreSQL');
      return schema.level === 'ok' ? [schema, ...(await checkBlocks(db, signal))] : [schema];
    });
  } catch (error) {
    return [fault(`PostgreSQL: ${(error as Error).message}`, 'psql "$(cat URL_FILE)" -c "select 1"')];
  }
}
