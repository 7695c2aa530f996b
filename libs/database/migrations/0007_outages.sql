-- Until when writes are known to have been accepted, by whichever distributor: one row.
CREATE TABLE accepted_writes (
  name text PRIMARY KEY,
  until_ms bigint NOT NULL
);

-- From when writes were accepted last until they were again: for some time after that samples may come later than usual.
CREATE TABLE outages (
  start_ms bigint PRIMARY KEY,
  end_ms bigint NOT NULL
);
