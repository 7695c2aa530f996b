#!/bin/bash
# Makes two tenants and their tokens: `demo` for applications, with /tokens/write and /tokens/read; and `operator` for the metrics
# of the services, which name every tenant, with /tokens/operator-write and /tokens/operator-read. A second run finds them and does
# nothing.
set -euo pipefail

tenants=$(xscaler tenant list)

# tenant ID PREFIX: the tenant, and a token of each scope in /tokens/<PREFIX><scope>.
tenant() {
  if ! grep -q "^$1[[:space:]]" <<<"$tenants"; then
    # Tokens that are left are of a database that is gone.
    rm -f "/tokens/$2write" "/tokens/$2read"
    xscaler tenant create "$1"
  fi
  for scope in write read; do
    [ ! -s "/tokens/$2$scope" ] || continue
    xscaler token create "$1" --scope "$scope" --name "compose-$scope" >"/tokens/$2$scope.new"
    mv "/tokens/$2$scope.new" "/tokens/$2$scope"
  done
}

tenant demo ''
tenant operator operator-
