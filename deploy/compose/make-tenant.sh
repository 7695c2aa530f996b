#!/bin/bash
# Makes tenant `demo` and its tokens, /tokens/write and /tokens/read; a second run finds them and does nothing.
set -euo pipefail

tenants=$(xscaler tenant list)
if ! grep -q "^demo[[:space:]]" <<<"$tenants"; then
  # Tokens that are left are of a database that is gone.
  rm -f /tokens/*
  xscaler tenant create demo
fi
for scope in write read; do
  [ ! -s "/tokens/$scope" ] || continue
  xscaler token create demo --scope "$scope" --name "compose-$scope" >"/tokens/$scope.new"
  mv "/tokens/$scope.new" "/tokens/$scope"
done
