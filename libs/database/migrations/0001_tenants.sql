-- Counters that pollers watch: a change of a row takes the next number in the same transaction, whose row lock makes
-- numbers visible in their order.
CREATE TABLE changes (
  name text PRIMARY KEY,
  change bigint NOT NULL
);

INSERT INTO changes (name, change) VALUES ('tenants', 0);

CREATE TABLE tenants (
  id text PRIMARY KEY,
  name text NOT NULL,
  org text NOT NULL,
  state text NOT NULL CHECK (state IN ('active', 'suspended', 'soft_locked', 'deleted')),
  reason text NOT NULL,
  limits text NOT NULL,
  created_ms bigint NOT NULL,
  changed_ms bigint NOT NULL,
  change bigint NOT NULL
);

CREATE INDEX tenants_by_change ON tenants (change);

-- Only the SHA-256 of a token is kept. `extra_tenants` are the ids of others it may read, separated by '|'.
CREATE TABLE tokens (
  id text PRIMARY KEY,
  tenant text NOT NULL REFERENCES tenants (id),
  extra_tenants text NOT NULL,
  name text NOT NULL,
  hash text NOT NULL UNIQUE,
  scope text NOT NULL CHECK (scope IN ('write', 'read', 'read+write', 'admin')),
  status text NOT NULL CHECK (status IN ('active', 'revoked')),
  created_ms bigint NOT NULL,
  last_used_ms bigint,
  expires_ms bigint,
  change bigint NOT NULL
);

CREATE INDEX tokens_by_change ON tokens (change);

CREATE INDEX tokens_by_tenant ON tokens (tenant);

-- Every control action takes one change number, which is its key here.
CREATE TABLE audit_log (
  change bigint PRIMARY KEY,
  at_ms bigint NOT NULL,
  who text NOT NULL,
  origin text NOT NULL,
  action text NOT NULL,
  tenant text NOT NULL,
  detail text NOT NULL
);
