-- Commits of a partition are numbered, and each has a random id: the last ones, newest first, 8 characters and a space each.
-- Who knows a commit that isn't there sees that the database has gone back in time.
ALTER TABLE resume_offsets ADD COLUMN commits bigint NOT NULL DEFAULT 0;
ALTER TABLE resume_offsets ADD COLUMN recent_commits text NOT NULL DEFAULT '';
