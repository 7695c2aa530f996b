import type { Database } from '@xscaler/database';
import {
  type Limits,
  overriddenLimits,
  PlacementStore,
  type ShardSizeRow,
  shardSizeFor,
  TenancyError,
  TenantStore,
} from '@xscaler/tenancy';
import { OPERATOR } from './operator.ts';

/** Spreads a tenant's series over `size` partitions: a number, `all`, or `auto`, what its series limit asks for. */
export async function setShard(db: Database, defaults: Limits, tenant: string, size: string): Promise<void> {
  const store = new PlacementStore(db);
  if (size === 'auto') {
    const found = await new TenantStore(db).tenant(tenant);
    const { limits } = await overriddenLimits(defaults, found?.overrides ?? {});
    const bySeries = shardSizeFor(limits.max_global_series_per_user);
    return store.setShardSize(tenant, { size: bySeries, isFixed: false }, OPERATOR);
  }
  if (size !== 'all' && !/^[1-9]\d{0,8}$/.test(size))
    throw new TenancyError('invalid', '--size must be a number of partitions, all or auto');
  const fixed = size === 'all' ? 0 : Number(size);
  return store.setShardSize(tenant, { size: fixed, isFixed: true }, OPERATOR);
}

/** The sizes that a tenant had, has and will have, a line each. */
export async function describeShard(db: Database, tenant: string): Promise<string> {
  const rows = await new PlacementStore(db).shardSizes(tenant);
  return rows.length === 0 ? 'all partitions\n' : rows.map(lineOf).join('');
}

function lineOf({ size, isFixed, effectiveMs }: ShardSizeRow): string {
  const partitions = size === 0 ? 'all partitions' : size === 1 ? '1 partition' : `${size} partitions`;
  const why = isFixed ? '' : ', by its series limit';
  return `${partitions} from ${new Date(effectiveMs).toISOString()} on${why}\n`;
}
