CREATE TABLE blocks (
  block_id text PRIMARY KEY,
  tenant text NOT NULL,
  partition bigint NOT NULL,
  level bigint NOT NULL,
  window_start_ms bigint NOT NULL,
  window_ms bigint NOT NULL,
  seq bigint NOT NULL,
  from_offset bigint NOT NULL,
  to_offset bigint NOT NULL,
  min_time_ms bigint NOT NULL,
  max_time_ms bigint NOT NULL,
  series_count bigint NOT NULL,
  sample_count bigint NOT NULL,
  digest text NOT NULL
);

CREATE INDEX blocks_by_time ON blocks (tenant, max_time_ms);

-- Blocks whose parts are being written; a row goes when its block goes live or is swept.
CREATE TABLE staged_blocks (
  block_id text PRIMARY KEY,
  tenant text NOT NULL,
  staged_ms bigint NOT NULL
);

CREATE TABLE block_parts (
  block_id text NOT NULL,
  kind text NOT NULL,
  number bigint NOT NULL,
  bytes ${BLOB} NOT NULL,
  PRIMARY KEY (block_id, kind, number)
);

-- Parts are compressed where it pays; stored plainly, a slice is read without the rest.
-- only: postgres
ALTER TABLE block_parts ALTER COLUMN bytes SET STORAGE EXTERNAL;

CREATE TABLE ledger (
  tenant text NOT NULL,
  partition bigint NOT NULL,
  window_start_ms bigint NOT NULL,
  window_ms bigint NOT NULL,
  seq bigint NOT NULL,
  from_offset bigint NOT NULL,
  to_offset bigint NOT NULL,
  sample_count bigint NOT NULL,
  digest text NOT NULL,
  PRIMARY KEY (tenant, partition, window_start_ms, seq)
);

CREATE INDEX ledger_by_partition ON ledger (partition, to_offset);

CREATE TABLE resume_offsets (
  partition bigint PRIMARY KEY,
  resume_offset bigint NOT NULL
);

CREATE TABLE metadata (
  tenant text NOT NULL,
  metric text NOT NULL,
  type text NOT NULL,
  help text NOT NULL,
  unit text NOT NULL,
  PRIMARY KEY (tenant, metric)
);
