#!/bin/sh
# Fuzzes every target for the time given (default 30s).
set -eu
cd "$(dirname "$0")"
time=${1:-30s}
for dir in $(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do
  for target in $(grep -h '^func Fuzz' "$dir"/*_test.go | sed 's/func \(Fuzz[A-Za-z0-9_]*\).*/\1/'); do
    echo "== $dir $target"
    "${GO:-go}" test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$dir"
  done
done
