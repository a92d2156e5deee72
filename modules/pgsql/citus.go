package pgsql

import (
	"slices"
)

// checkCitus wants all that makes a shard of a cluster, or nothing of it.
func (c *cluster) checkCitus() {
	m := c.head()
	v := &m.vars
	switch {
	case v.Mode == "citus" && v.Shard == "":
		c.Errorf(m.pos("pg_mode"), CodeCitus, "pg_mode: citus wants pg_shard, the name of the set of shards")
	case v.Mode == "citus" && v.Group == nil:
		c.Errorf(m.pos("pg_mode"), CodeCitus, "pg_mode: citus wants pg_group, the number of the shard")
	case v.Mode == "citus" && !slices.ContainsFunc(v.Databases, func(d Database) bool { return d.Name == v.PrimaryDB }) && v.PrimaryDB != "postgres":
		c.Warnf(m.pos("pg_primary_db"), CodeCitus, "pg_primary_db: %s is not in pg_databases, and Citus spreads this one", v.PrimaryDB)
	case v.Mode == "pgsql" && v.Group != nil:
		c.Warnf(m.pos("pg_group"), CodeCitus, "pg_group: is for pg_mode: citus, and this cluster is %s", v.Mode)
	}
}

// checkShards wants a coordinator in every set of shards, and every number once.
func (f *fleet) checkShards() {
	sets := map[string]map[int]*cluster{}
	for _, c := range f.clusters {
		v := &c.head().vars
		if v.Mode != "citus" || v.Shard == "" || v.Group == nil {
			continue
		}
		if sets[v.Shard] == nil {
			sets[v.Shard] = map[int]*cluster{}
		}
		if other := sets[v.Shard][*v.Group]; other != nil {
			c.Errorf(c.head().pos("pg_group"), CodeCitus, "pg_group: %d of %s is already %s (%s)", *v.Group, v.Shard, other.name, place(other.head().pos("pg_group")))
			continue
		}
		sets[v.Shard][*v.Group] = c
	}
	for _, c := range f.clusters {
		v := &c.head().vars
		if set := sets[v.Shard]; v.Group != nil && set != nil && set[*v.Group] == c && set[0] == nil {
			c.Errorf(c.head().pos("pg_group"), CodeCitus, "pg_group: no cluster of %s has the number 0, that of the coordinator", v.Shard)
		}
	}
}
