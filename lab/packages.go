package lab

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Groups are the named lists of packages that an offline repository can offer, by name. A
// name that a suite does not have is left out of that suite's repository.
func Groups() map[string][]string {
	return map[string][]string{
		"node": {
			"acl", "bzip2", "ca-certificates", "chrony", "cron", "curl", "docker-cli", "docker.io", "firewalld",
			"git", "haproxy", "htop", "iotop", "iptables", "jq", "keepalived", "less", "logrotate", "lsof", "lz4",
			"make", "net-tools", "network-manager", "nftables", "numactl", "openssl", "patch",
			"prometheus-node-exporter", "psmisc", "python3", "rsync", "rsyslog", "socat", "sysstat",
			"systemd-resolved", "tuned", "ufw", "unzip", "vim-tiny", "wget", "zip", "zstd",
		},
		"etcd": {"etcd-server", "etcd-client"},
		"pgsql": {
			"patroni", "python3-etcd", "postgresql", "pgbouncer", "pgbackrest", "vip-manager",
			"vip-manager2", "prometheus-postgres-exporter", "prometheus-pgbouncer-exporter", "prometheus-pgbackrest-exporter",
			"pg-exporter", "prometheus",
			"postgresql-17-repack", "postgresql-17-wal2json", "postgresql-17-pgvector", "postgresql-plpython3-17", "postgresql-plperl-17", "postgresql-pltcl-17",
			"postgresql-15-repack", "postgresql-15-wal2json", "postgresql-15-pgvector", "postgresql-plpython3-15", "postgresql-plperl-15", "postgresql-pltcl-15",
		},
		"redis": {"redis-server", "redis-sentinel", "prometheus-redis-exporter"},
		"infra": {
			"nginx", "dnsmasq", "prometheus", "prometheus-alertmanager", "prometheus-pushgateway",
			"prometheus-blackbox-exporter", "victoria-metrics", "rsyslog",
		},
	}
}

// expand resolves "@group" names and returns a sorted list without repetitions.
func expand(names []string) ([]string, error) {
	groups := Groups()
	var out []string
	for _, name := range names {
		group, isGroup := strings.CutPrefix(name, "@")
		members, known := groups[group]
		switch {
		case !isGroup && packageRule.MatchString(name):
			out = append(out, name)
		case isGroup && known:
			out = append(out, members...)
		default:
			return nil, fmt.Errorf("package %q: want a Debian package or one of the groups %s", name, groupNames(groups))
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func groupNames(groups map[string][]string) string {
	var names []string
	for name := range groups {
		names = append(names, "@"+name)
	}
	sort.Strings(names)
	return strings.Join(names, " ")
}
