#!/bin/bash
# Makes the passwords of an installation in /secrets, once: files that exist are passwords somebody has stored already.
# Runs as root without capabilities but CHOWN; each file is readable by nobody but the user of the container that needs it.
set -euo pipefail
umask 077

readonly xscaler=10001 postgres=999 redis=999 grafana=472

random() { head -c 24 /dev/urandom | base64 | tr '+/' '-_'; }

# secret NAME OWNER MODE: what comes in is its content.
secret() {
  rm -f "/secrets/$1"
  cat >"/secrets/$1"
  chmod "$3" "/secrets/$1"
  chown "$2" "/secrets/$1"
}

# The demo tenant's tokens are written here by a container that isn't root.
chown "$xscaler:$xscaler" /tokens
[ ! -e /secrets/.complete ] || exit 0
chmod 0755 /secrets

redis_password=$(random)
random | secret postgres-password "$postgres:$xscaler" 0440
random | secret grafana-password "$grafana:0" 0400
secret redis.conf "$redis:$redis" 0400 <<CONF
requirepass $redis_password
save ""
appendonly no
maxmemory 256mb
maxmemory-policy volatile-lru
CONF
secret xscaler.yaml "$xscaler:$xscaler" 0400 <<YAML
cluster:
  redis_url: "redis://:$redis_password@redis:6379"
  secret: "$(random)"
YAML
touch /secrets/.complete
