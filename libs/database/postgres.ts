// The PostgreSQL half. Apart from the index: a process on the embedded database must not load its driver.
export { openPostgresDatabase, type PostgresDatabaseStats } from './postgres/postgres-database.ts';
export type { PostgresOptions } from './postgres/postgres-options.ts';
export type { PostgresTlsOptions } from './postgres/postgres-tls.ts';
