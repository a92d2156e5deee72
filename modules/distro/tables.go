package distro

// optionalMark ends the name of a package that is done without where no package source offers it.
const optionalMark = "?"

// aliases are the sets of packages that Pigsty has a name for. $v is the release of PostgreSQL. A member
// may be an alias itself. Of alternatives the first is Pigsty's own package and the others are the
// distribution's, but for vip-manager: Debian's package of that name speaks a language that etcd has given up.
var aliases = map[string]map[Family][]string{
	"pgsql-core": {
		Debian: {
			"postgresql-$v", "postgresql-client-$v", "postgresql-plpython3-$v?", "postgresql-plperl-$v?", "postgresql-pltcl-$v?",
		},
		EL: {
			"postgresql$v", "postgresql$v-server", "postgresql$v-libs", "postgresql$v-contrib",
			"postgresql$v-plperl?", "postgresql$v-plpython3?", "postgresql$v-pltcl?",
		},
	},
	"pgsql-main": {
		Debian: {"pgsql-core", "postgresql-$v-repack?", "postgresql-$v-wal2json?", "postgresql-$v-pgvector?"},
		EL:     {"pgsql-core", "pg_repack_$v?", "wal2json_$v?", "pgvector_$v?"},
	},
	"pgsql-common": {
		Debian: {
			"patroni", "python3-etcd", "pgbouncer", "pgbackrest", "pg-exporter|prometheus-postgres-exporter?",
			"pg-exporter|prometheus-pgbouncer-exporter?", "pgbackrest-exporter|prometheus-pgbackrest-exporter?", "vip-manager2|vip-manager?",
		},
		EL: {"patroni", "patroni-etcd", "pgbouncer", "pgbackrest", "pg-exporter?", "pgbackrest-exporter?", "vip-manager?"},
	},
}

// everywhere are the packages that nodes of every family have. Those of Pigsty's list whose service
// pigsync runs itself are not among them: chrony, tuned, keepalived, haproxy, etcd, vector and
// node-exporter come with the feature that runs them, configured before they are started. Here they
// would run from the next boot on with what their packages think of.
var everywhere = []string{
	"bash", "python3", "sudo", "acl", "ca-certificates", "openssl", "curl", "wget", "lz4", "zstd", "unzip",
	"bzip2", "gzip", "tar", "tzdata", "openssh-server", "util-linux", "rsync", "psmisc", "logrotate", "pv", "jq",
	"git", "make", "patch", "lsof", "less", "ncdu", "htop", "iotop", "socat", "net-tools", "telnet", "ipvsadm",
	"numactl", "nvme-cli", "sysstat", "pig", "uv",
}

// further are what nodes of a family have beside that.
var further = map[Family][]string{
	Debian: {
		"zlib1g", "libreadline-dev", "xz-utils", "locales", "cron", "openssh-client", "bind9-dnsutils", "iproute2",
		"iputils-ping", "netcat-openbsd", "procps", "vim-tiny",
	},
	EL: {
		"zlib", "readline", "xz", "glibc-langpack-en", "cronie", "openssh-clients", "bind-utils", "iproute", "iputils",
		"nmap-ncat", "procps-ng", "vim-minimal", "yum", "audit", "grubby", "chkconfig",
	},
}

// extensions are those whose package is not called after them.
var extensions = map[string]map[Family]string{
	"postgis":     {Debian: "postgresql-$v-postgis-3", EL: "postgis36_$v"},
	"timescaledb": {Debian: "postgresql-$v-timescaledb-tsl", EL: "timescaledb-tsl_$v"},
	"pg_repack":   {Debian: "postgresql-$v-repack", EL: "pg_repack_$v"},
}
