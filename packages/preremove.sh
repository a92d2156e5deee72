#!/bin/sh
# Before a removal, and before an upgrade, when nothing is to be stopped. Debian says "remove" or "upgrade"; RPM how many
# versions remain.
set -e

case "$1" in
  remove | 0) ;;
  *) exit 0 ;;
esac
[ -d /run/systemd/system ] || exit 0
systemctl disable --now pigsync.service
