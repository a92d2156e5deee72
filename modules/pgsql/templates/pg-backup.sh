#!/bin/sh
# pg-backup [full|diff|incr]: saves the cluster where this member leads it. Elsewhere there is nothing to do,
# so that every member may have the same crontab.
set -eu
kind=${1:-incr}
case $kind in full | diff | incr) ;; *) echo "pg-backup: want full, diff or incr, got $kind" >&2; exit 2 ;; esac
follows=$({{.Bin}}/psql -h {{.Socket}} -p {{.Port}} -U {{.Dbsu}} -d postgres -XAtc 'SELECT pg_is_in_recovery()')
if [ "$follows" != f ]; then
  echo "pg-backup: this member does not lead" >&2
  exit 0
fi
exec /usr/bin/pgbackrest --stanza={{.Stanza}} --type="$kind" backup
