-- The log that writers write to, by its identity: one row, made when a distributor has seen its log for the first time.
CREATE TABLE registered_logs (
  name text PRIMARY KEY,
  identity text NOT NULL
);

-- The log that a partition's offsets are of; empty: the registered one.
ALTER TABLE resume_offsets ADD COLUMN log_identity text NOT NULL DEFAULT '';

-- The last record that had been read when a commit was made, by its offset (-1: none) and its fingerprint. A log that has
-- another one there has lost records, whatever it holds now.
ALTER TABLE resume_offsets ADD COLUMN mark_offset bigint NOT NULL DEFAULT -1;
ALTER TABLE resume_offsets ADD COLUMN mark_fingerprint text NOT NULL DEFAULT '';
