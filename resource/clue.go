package resource

import "time"

// Clue is something that was found beside a change which nobody asked for: who was there, and what was done. It
// proves nothing. It never holds what was typed but for the name of a program: that may be a secret.
type Clue struct {
	When time.Time `json:"when"`
	Kind string    `json:"kind"` // file, login, sudo, package, patroni
	At   string    `json:"at"`   // the node
	Who  string    `json:"who,omitempty"`
	What string    `json:"what"`
}

// LayerOf says in which layer of a service a kind of thing is changed: what stands in a file is not yet what runs.
func LayerOf(k Kind) string {
	switch k {
	case KindUnit:
		return "unit"
	case KindPackage, KindNewest, KindPyEnv, KindRepo, KindSources:
		return "package"
	case KindPGConfig:
		return "dcs"
	case KindPGMember, KindPGLoaded, KindPGRules, KindPGSeated, KindPGDrained:
		return "instance"
	case KindPGAltered, KindPGRole, KindPGDatabase, KindPGBaseline, KindPGSchema, KindPGExtension, KindPGPrivileges, KindPGAbsent:
		return "sql"
	case KindPGStanza, KindPGBackup, KindPGRepo, KindPGSite:
		return "backup"
	case KindSysctl, KindKernelModule, KindReadAhead, KindNoSwap, KindHostname, KindTimezone:
		return "kernel"
	case KindEtcdCluster, KindEtcdMember, KindEtcdVoter, KindEtcdAuth, KindEtcdUser, KindEtcdRole, KindEtcdBlank, KindEtcdKeys:
		return "etcd"
	}
	return "file"
}
