// Package systemd holds what runs pigsync as a service: the unit, its user and its directory. It has
// no code; its tests let systemd judge the files, where systemd is installed.
//
//	pigsync.service   /usr/lib/systemd/system/    the daemon
//	pigsync.sysusers  /usr/lib/sysusers.d/        its user (pigsync.conf)
//	pigsync.tmpfiles  /usr/lib/tmpfiles.d/        its directory (pigsync.conf)
package systemd
