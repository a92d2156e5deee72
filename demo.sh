#!/bin/bash
# A fleet of four bare machines on this one, and a daemon that makes it what a git repository says.
#   demo.sh        boot the machines, commit examples/inventory, start the daemon, wait until it converged
#   demo.sh down   take all of it away again
set -euo pipefail
cd "$(dirname "$0")"
here=$PWD lab="$PWD/bin/lab" pigsync="$PWD/bin/pigsync"
dir=${PIGSYNC_DEMO:-/var/lib/pigsync-demo} name=demo
in_lab() { "$lab" exec --name $name -- "$@"; }

down() {
  if [ -f "$dir/pid" ]; then kill "$(cat "$dir/pid")" 2>/dev/null || true; fi
  "$lab" down --name $name
  rm -rf "$dir"
}

fleet() { # a git repository with the example
  [ -d "$dir/fleet/.git" ] && return
  mkdir -p "$dir/fleet"
  cp examples/inventory/* "$dir/fleet/"
  git -C "$dir/fleet" init -q -b main
  git -C "$dir/fleet" config user.name demo
  git -C "$dir/fleet" config user.email demo@localhost
  git -C "$dir/fleet" add .
  git -C "$dir/fleet" commit -q -m 'a cluster of PostgreSQL'
}

config() {
  eval "$("$lab" env --name $name)"
  cat >"$dir/pigsync.yml" <<YML
state: $dir/state
listen: 127.0.0.1:9099
ssh: { user: $LAB_USER, keys: [$LAB_KEY], known_hosts: [$LAB_KNOWN_HOSTS] }
inventories:
  - name: demo
    git: { url: $dir/fleet, allow_local: true, interval: 2s }
    interval: 10s
YML
  printf '#!/bin/sh\nexec %s exec --name %s -- %s --config %s "$@"\n' "$lab" $name "$pigsync" "$dir/pigsync.yml" >"$dir/pigsync"
  chmod +x "$dir/pigsync"
}

daemon() {
  if [ -f "$dir/pid" ] && kill -0 "$(cat "$dir/pid")" 2>/dev/null; then return; fi
  setsid "$dir/pigsync" serve >>"$dir/log" 2>&1 </dev/null &
  echo $! >"$dir/pid"
}

converged() { # wait, and tell what happens meanwhile
  local began=$SECONDS
  tail -n 0 -F --pid="$(cat "$dir/pid")" "$dir/log" 2>/dev/null | sed -un 's/.*msg=applied .*id="\{0,1\}\([^" ]*\).*/  \1/p' &
  local follow=$!
  until "$dir/pigsync" status 2>/dev/null | grep -qE '^demo: (converged|held)'; do
    kill -0 "$(cat "$dir/pid")" 2>/dev/null || { tail "$dir/log" >&2; return 1; }
    [ $((SECONDS - began)) -lt 600 ] || { "$dir/pigsync" status >&2 || true; return 1; }
    sleep 1
  done
  pkill -P $follow 2>/dev/null || true
  kill $follow 2>/dev/null || true
  echo "done after $((SECONDS - began)) s"
}

[ "${1:-up}" != down ] || { down; exit 0; }
"$lab" check
mkdir -p "$dir"
"$lab" up --name $name --packages @pgsql
fleet
config
daemon
converged
"$dir/pigsync" status || true
on() { in_lab ssh -q -i "$LAB_KEY" -o "UserKnownHostsFile=$LAB_KNOWN_HOSTS" "$LAB_USER@10.10.10.$1" "sudo sh -c '$2'"; }
on 10 '. /etc/profile.d/etcdctl.sh; etcdctl endpoint health --cluster'
on 11 'patronictl -c /etc/patroni/patroni.yml list'
cat <<TXT

Four machines, 10.10.10.10 to .13, are what $dir/fleet/pigsty.yml says. Look and try:

  $dir/pigsync status                                   where things stand
  $dir/pigsync history                                  what was done
  $lab exec --name $name -- curl -s http://127.0.0.1:9099/metrics | grep ^pigsync_
  $lab ssh --name $name node-1                          a machine

  edit      $dir/fleet/pigsty.yml: add { name: reports, password: Some.Word, pgbouncer: true, roles: [ dbrole_readonly ] } to pg_users of pg-test
            git -C $dir/fleet commit -am 'a role for reports'; watch -n1 $dir/pigsync status
  use       $lab run --name $name node-3 env PGPASSWORD=App.Demo psql -h 10.10.10.12 -p 5433 -U app -c 'select pg_is_in_recovery()'
  break     $lab run --name $name node-3 systemctl stop pgbouncer; watch -n1 $dir/pigsync status
            $lab off --name $name node-2; watch -n1 $dir/pigsync status: Patroni fails over, pigsync only watches
  remove    delete the line of 10.10.10.13 in the group pg-test, commit: the plan is held, and status says which
            $dir/pigsync approve DIGEST
  end       make demo-down
TXT
