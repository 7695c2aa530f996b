-- The instant (wall clock, ms) such that every record acknowledged before it lies below `resume_offset`, and so in blocks.
ALTER TABLE resume_offsets ADD COLUMN committed_until_ms bigint NOT NULL DEFAULT 0;
