#!/bin/sh
# What a fresh Debian machine lacks for `make demo` and `make test`: the sandbox's tools and Go.
# It installs Debian packages and nothing else, and does nothing where all is there.
set -eu

packages="mmdebstrap systemd-container apt-utils dpkg-dev debian-archive-keyring iproute2 iptables
  openssh-client openssh-server util-linux e2fsprogs git gcc libc6-dev curl etcd-server etcd-client
  ansible-core postgresql patroni python3-etcd prometheus prometheus-alertmanager"
# what one test of EL's package manager runs; it is skipped without them
beside="dnf rpm createrepo-c"

missing() {
  for p in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || echo "$p"
  done
}

command -v dpkg-query >/dev/null || { echo "setup: this is not Debian: install by hand: $packages, Go 1.26" >&2; exit 0; }
todo=$(missing $packages)
# any Go from 1.21 fetches the version that go.mod names by itself
command -v go >/dev/null || todo="$todo golang-go"
more=$(missing $beside)
[ -n "$todo$more" ] || exit 0
sudo=$([ "$(id -u)" = 0 ] || echo sudo)
echo "setup: installing" $todo $more
$sudo apt-get update -q
# no server shall start by itself: the tests start their own
echo 'exit 101' | $sudo tee /usr/sbin/policy-rc.d.pigsync >/dev/null
if [ ! -e /usr/sbin/policy-rc.d ]; then
  $sudo install -m 0755 /usr/sbin/policy-rc.d.pigsync /usr/sbin/policy-rc.d
  trap '$sudo rm -f /usr/sbin/policy-rc.d' EXIT
fi
$sudo rm -f /usr/sbin/policy-rc.d.pigsync
install() { # shellcheck disable=SC2086
  [ -z "$1" ] || $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $1
}
install "$todo"
install "$more" || echo "setup: no $more here: the tests that want them are skipped"
