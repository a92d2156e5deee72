#!/bin/sh
# After an installation and after an upgrade, of either packager.
set -e

systemd-sysusers /usr/lib/sysusers.d/pigsync.conf
systemd-tmpfiles --create /usr/lib/tmpfiles.d/pigsync.conf
chgrp pigsync /etc/pigsync

[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload
# An upgrade: a daemon that runs ends the steps that are under way, and goes on as the new one. The first
# installation starts nothing: there is no configuration yet.
systemctl try-restart pigsync.service
