package pgsql

import (
	"go/token"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/inventory"
)

// checkBackup judges the repository that is used; the others are nobody's concern.
func (c *cluster) checkBackup() {
	for _, m := range c.views("pgbackrest_method", "pgbackrest_repo", "pgbackrest_enabled") {
		if !m.vars.BackupEnabled {
			continue
		}
		name := m.vars.BackupMethod
		repo, ok := m.vars.Repos[name]
		if !ok {
			c.Errorf(m.pos("pgbackrest_method"), CodeNoRepo, "pgbackrest_method: pgbackrest_repo has no entry %s: want one of %s", name, strings.Join(slices.Sorted(maps.Keys(m.vars.Repos)), ", "))
			continue
		}
		pos := m.at(repo.Pos)
		if c.checkRepo(pos, name, &repo) && repo.Type == "s3" {
			c.checkStore(pos, name, &repo)
		}
	}
}

func (c *cluster) checkRepo(pos token.Position, name string, r *Repo) bool {
	for _, need := range []struct {
		key     string
		missing bool
	}{
		{"s3_endpoint", r.Endpoint == ""}, {"s3_bucket", r.Bucket == ""}, {"s3_region", r.Region == ""},
	} {
		if r.Type == "s3" && need.missing {
			c.Errorf(pos, CodeRepo, "pgbackrest_repo.%s: is an object store (s3) without %s", name, need.key)
			return false
		}
	}
	switch {
	case r.CipherType == "aes-256-cbc" && r.CipherPass.IsZero():
		c.Errorf(pos, CodeRepo, "pgbackrest_repo.%s: is to be encrypted, and has no cipher_pass", name)
	case r.CipherType != "aes-256-cbc" && !r.CipherPass.IsZero():
		c.Warnf(pos, CodeRepo, "pgbackrest_repo.%s: has a cipher_pass and no cipher_type, so nothing is encrypted", name)
	case r.RetentionFull == nil:
		c.Warnf(pos, CodeRepo, "pgbackrest_repo.%s: has no retention_full, so old backups stay until the disk is full", name)
	case strings.HasPrefix(r.Bucket, "<") || strings.HasPrefix(r.Key.Reveal(), "<"):
		c.Errorf(pos, CodeRepo, "pgbackrest_repo.%s: still has the words of the template in angle brackets", name)
	default:
		return true
	}
	return true
}

// store is a MinIO cluster of the inventory, as far as backups are concerned.
type store struct {
	Cluster string          `var:"minio_cluster"`
	Domain  string          `var:"minio_domain" default:"sss.pigsty"`
	Port    int             `var:"minio_port" default:"9000"`
	HTTPS   bool            `var:"minio_https" default:"true"`
	Buckets inventory.Value `var:"minio_buckets" default:"[{name: pgsql}, {name: meta}, {name: data}]"`
	Users   inventory.Value `var:"minio_users" default:"[{access_key: pgbackrest, secret_key: S3User.Backup}, {access_key: s3user_meta, secret_key: S3User.Meta}, {access_key: s3user_data, secret_key: S3User.Data}]"`
}

// checkStore compares a repository with the MinIO cluster that it names. An object store that is not of this
// inventory is nobody's concern here.
func (c *cluster) checkStore(pos token.Position, name string, r *Repo) {
	s, hosts := c.fleet.store(r.Endpoint)
	switch {
	case s == nil && strings.HasSuffix(r.Endpoint, ".pigsty") && c.fleet.resolves(c.head().host, r.Endpoint):
		return // another fleet's store, given by address
	case s == nil && strings.HasSuffix(r.Endpoint, ".pigsty"):
		c.Warnf(pos, CodeNoStore, "pgbackrest_repo.%s: no MinIO cluster of the inventory is %s, so backups have nowhere to go", name, r.Endpoint)
	case s == nil:
		return
	case !s.HTTPS:
		c.Warnf(pos, CodeNoStore, "pgbackrest_repo.%s: MinIO cluster %s has minio_https: false, and pgBackRest wants TLS", name, s.Cluster)
	case r.Port != s.Port && !slices.ContainsFunc(hosts, func(h *inventory.Host) bool { return serves(h, r.Port) }):
		c.Warnf(pos, CodeNoStore, "pgbackrest_repo.%s: storage_port is %d, and MinIO cluster %s listens on %d", name, r.Port, s.Cluster, s.Port)
	case !lists(s.Buckets, "name", r.Bucket):
		c.Warnf(pos, CodeNoStore, "pgbackrest_repo.%s: MinIO cluster %s has no bucket %s in minio_buckets", name, s.Cluster, r.Bucket)
	default:
		c.checkStoreUser(pos, name, r, s)
	}
}

func (c *cluster) checkStoreUser(pos token.Position, name string, r *Repo, s *store) {
	if !lists(s.Users, "access_key", r.Key.Reveal()) {
		c.Warnf(pos, CodeNoStore, "pgbackrest_repo.%s: MinIO cluster %s has no user with this s3_key in minio_users", name, s.Cluster)
		return
	}
	users, _ := s.Users.List()
	for _, u := range users {
		key, _ := u.Lookup("access_key")
		secret, ok := u.Lookup("secret_key")
		if ok && key.String() == r.Key.Reveal() && !secret.Unevaluated() && secret.String() != r.KeySecret.Reveal() {
			c.Warnf(pos, CodeNoStore, "pgbackrest_repo.%s: s3_key_secret is not the secret_key of that user in minio_users (%s)", name, place(secret.Pos))
		}
	}
}

// lists tells whether a list has an object with the value, or cannot be read.
func lists(v inventory.Value, key, want string) bool {
	items, err := v.List()
	return err != nil || slices.ContainsFunc(items, func(i inventory.Value) bool {
		got, _ := i.Lookup(key)
		return got.Unevaluated() || got.String() == want
	})
}

// store finds the MinIO cluster at a name or an address.
func (f *fleet) store(endpoint string) (found *store, hosts []*inventory.Host) {
	a, _ := netip.ParseAddr(endpoint)
	for _, h := range f.Inventory.Hosts() {
		if v, ok := h.Lookup("minio_cluster"); !ok || v.IsNull() {
			continue
		}
		var s store
		if inventory.Bind(h, &s); s.Domain == endpoint || a.IsValid() && h.IP == a {
			if found == nil {
				found = &s
			}
			hosts = append(hosts, h)
		}
	}
	return found, hosts
}

// resolves tells whether a host knows the name from a line that pigsync writes, with an address that is not
// in the inventory.
func (f *fleet) resolves(h *inventory.Host, name string) bool {
	for _, param := range []string{"node_etc_hosts", "node_default_etc_hosts", "dns_records"} {
		v, _ := h.Lookup(param)
		items, _ := v.List()
		for _, item := range items {
			fields := strings.Fields(h.Expand(item.String()))
			if len(fields) > 1 && slices.Contains(fields[1:], name) && f.Inventory.Host(fields[0]) == nil {
				return true
			}
		}
	}
	return false
}

// serves tells whether the load balancer of a host has the port.
func serves(h *inventory.Host, port int) bool {
	return slices.ContainsFunc(haproxyClaims(h), func(c claim) bool { return c.port == port })
}

// checkPITR wants the aim that the type of a recovery is about.
func (c *cluster) checkPITR() {
	for _, m := range c.views("pg_pitr") {
		p := m.vars.PITR
		if p == nil {
			continue
		}
		aim := map[string]string{"time": p.Time, "xid": p.XID, "name": p.Name, "lsn": p.LSN}
		if v, needs := aim[p.Type]; needs && v == "" {
			c.Errorf(m.at(p.Pos), CodeNoAim, "pg_pitr: the type is %s, and %s is not set: the cluster would be brought to its latest moment", p.Type, p.Type)
		}
		for _, kind := range slices.Sorted(maps.Keys(aim)) {
			if aim[kind] != "" && p.Type != kind {
				c.Errorf(m.at(p.Pos), CodeNoAim, "pg_pitr: %s is set, and the type is %s: want type: %s, or it is passed over", kind, p.Type, kind)
			}
		}
	}
}
