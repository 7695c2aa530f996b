-- Deletions of this partition up to this offset of its log are not in the block any more: it was written without them.
ALTER TABLE blocks ADD COLUMN purged_offset bigint NOT NULL DEFAULT -1;

CREATE INDEX blocks_by_partition ON blocks (tenant, partition, window_start_ms);

-- Blocks that others have replaced, or that are past their time; their parts stay for the reads that have listed them.
CREATE TABLE retired_blocks (
  block_id text PRIMARY KEY,
  tenant text NOT NULL,
  retired_ms bigint NOT NULL
);

CREATE INDEX retired_blocks_by_time ON retired_blocks (retired_ms);

-- Days of which blocks are to be merged or written again. A compactor has one until its lease ends.
CREATE TABLE compaction_jobs (
  tenant text NOT NULL,
  partition bigint NOT NULL,
  day_start_ms bigint NOT NULL,
  planned_ms bigint NOT NULL,
  owner text NOT NULL,
  lease_until_ms bigint NOT NULL,
  failures bigint NOT NULL,
  PRIMARY KEY (tenant, partition, day_start_ms)
);

-- Series that were deleted: the receipt of each deletion. `matchers` is JSON, sets of (type, name, value).
CREATE TABLE deletions (
  deletion_id text PRIMARY KEY,
  tenant text NOT NULL,
  matchers text NOT NULL,
  start_ms bigint NOT NULL,
  end_ms bigint NOT NULL,
  requested_ms bigint NOT NULL,
  done_ms bigint
);

CREATE INDEX deletions_by_tenant ON deletions (tenant, requested_ms);

-- Where a deletion stands in the log: it hides what blocks that end there or before hold.
CREATE TABLE tombstones (
  deletion_id text NOT NULL,
  partition bigint NOT NULL,
  tenant text NOT NULL,
  log_offset bigint NOT NULL,
  done_ms bigint,
  PRIMARY KEY (deletion_id, partition)
);

CREATE INDEX tombstones_by_tenant ON tombstones (tenant, partition);

-- Parts of merged blocks are deleted row by row, each of them some hundred rows of the TOAST table: vacuum has to come
-- before a fifth of all is dead.
-- only: postgres
ALTER TABLE block_parts SET (
  autovacuum_vacuum_scale_factor = 0.05,
  toast.autovacuum_vacuum_scale_factor = 0.05
);
