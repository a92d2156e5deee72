#!/bin/sh
# Patroni calls this to make a replica of what the repository holds. It fails where that would not lead to
# one that can follow the leader, and then Patroni copies the leader.
set -eu
LC_ALL=C
export LC_ALL
leader=
for word; do
  case $word in --connstring=*) leader=${word#*=} ;; esac
done
give_up() {
  echo "from-backup: $1" >&2
  exit 1
}
[ -n "$leader" ] || give_up "there is nobody to follow"
kept=$(/usr/bin/pgbackrest --stanza={{.Stanza}} --output=json --log-level-console=off --log-level-stderr=error info) || give_up "the repository does not answer"
case $kept in *'"type":"full"'*) ;; *) give_up "the repository has no full backup" ;; esac
system=$(printf '%s\n' "$kept" | sed -n 's/.*"system-id":\([0-9]*\).*/\1/p')
newest=$(printf '%s\n' "$kept" | sed -n 's/.*"max":"\([0-9A-F]\{24\}\)".*/\1/p')
[ -n "$newest" ] || give_up "nothing of the write-ahead log is archived"
# The next segment after the newest of the archive must still be with the leader.
fits=$({{.Bin}}/psql "$leader" -XAtq <<SQL
WITH names(name, ours) AS (SELECT '$newest', true UNION ALL SELECT name, false FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}\$'),
  segments AS (SELECT ours, ('x' || substr(name, 9, 8))::bit(32)::bigint * (4294967296 / pg_size_bytes(current_setting('wal_segment_size')))
    + ('x' || substr(name, 17, 8))::bit(32)::bigint AS number FROM names)
SELECT (SELECT system_identifier::text FROM pg_control_system()) = '$system'
  AND (SELECT max(number) FILTER (WHERE ours) + 1 >= min(number) FILTER (WHERE NOT ours) FROM segments)
SQL
) || give_up "the leader does not say what it still has"
[ "$fits" = t ] || give_up "the leader has no longer what comes after the newest of the archive, $newest, or is another cluster's"
exec /usr/bin/pgbackrest --stanza={{.Stanza}} --type=standby --log-level-console=warn restore
