-- Of the log's partitions writers use those below `partition_count`, from `effective_ms` on. Rows stay: readers ask what
-- was in use within the last day.
CREATE TABLE partition_counts (
  change bigint PRIMARY KEY,
  partition_count bigint NOT NULL CHECK (partition_count > 0),
  effective_ms bigint NOT NULL
);

-- Over how many partitions a tenant's series are spread from then on; 0: over all. `is_fixed` is 1 where an operator
-- said so, 0 where it follows from the tenant's series limit.
CREATE TABLE shard_sizes (
  change bigint PRIMARY KEY,
  tenant text NOT NULL,
  shard_size bigint NOT NULL CHECK (shard_size >= 0),
  is_fixed bigint NOT NULL CHECK (is_fixed IN (0, 1)),
  effective_ms bigint NOT NULL
);

CREATE INDEX shard_sizes_by_tenant ON shard_sizes (tenant, change);
