package resource

import (
	"encoding/json"
	"fmt"
)

// The kinds on a node.
const (
	KindFacts    Kind = "facts"
	KindFile     Kind = "file"
	KindDir      Kind = "dir"
	KindLink     Kind = "link"
	KindLines    Kind = "lines"
	KindHostname Kind = "hostname"
	KindRepo     Kind = "repo"
	KindSources  Kind = "sources"
	KindPackage  Kind = "package"
	KindTrust    Kind = "trust"
	KindGroup    Kind = "group"
	KindUser     Kind = "user"
	KindCert     Kind = "cert"
	KindUnit     Kind = "unit"

	KindSysctl       Kind = "sysctl"
	KindKernelModule Kind = "kernelmodule"
	KindTimezone     Kind = "timezone"
	KindGuarded      Kind = "guarded"
	KindFirewall     Kind = "firewall"
	KindBlock        Kind = "block"
	KindSSHKey       Kind = "sshkey"
	KindSELinux      Kind = "selinux"
	KindKernelArg    Kind = "kernelarg"
	KindNoSwap       Kind = "noswap"
	KindReadAhead    Kind = "readahead"
	KindTuned        Kind = "tuned"
	KindNewest       Kind = "newest"
	KindPyEnv        Kind = "pyenv"
)

// The kinds on the admin side.
const (
	KindCA       Kind = "ca"
	KindIdentity Kind = "identity"
)

// The kinds inside an etcd cluster.
const (
	KindEtcdCluster Kind = "etcdcluster"
	KindEtcdMember  Kind = "etcdmember"
	KindEtcdVoter   Kind = "etcdvoter"
	KindEtcdHealth  Kind = "etcdhealth"
	KindEtcdAuth    Kind = "etcdauth"
	KindEtcdUser    Kind = "etcduser"
	KindEtcdRole    Kind = "etcdrole"
	KindEtcdBlank   Kind = "etcdblank"
	KindEtcdKeys    Kind = "etcdkeys"
)

// The kinds of PostgreSQL: of an instance on its node, and inside a cluster.
const (
	KindPGMember Kind = "pgmember"
	KindPGHealth Kind = "pghealth" // of either
	KindPGLoaded Kind = "pgloaded"
	KindPGRules  Kind = "pgrules"
	KindPGSite   Kind = "pgsite"

	KindPGAltered Kind = "pgaltered"
	KindPGSeated  Kind = "pgseated"
	KindPGDrained Kind = "pgdrained" // of a cluster, on a node that balances for it: the node's own

	KindPGCluster    Kind = "pgcluster"
	KindPGConfig     Kind = "pgconfig"
	KindPGRole       Kind = "pgrole"
	KindPGDatabase   Kind = "pgdatabase"
	KindPGBaseline   Kind = "pgbaseline"
	KindPGSchema     Kind = "pgschema"
	KindPGExtension  Kind = "pgextension"
	KindPGPrivileges Kind = "pgprivileges"
	KindPGAbsent     Kind = "pgabsent"
	KindPGOff        Kind = "pgoff"

	KindPGStanza  Kind = "pgstanza" // of either
	KindPGBackup  Kind = "pgbackup"
	KindPGRepo    Kind = "pgrepo"
	KindPGLeading Kind = "pgleading"
)

// NodeKinds are the kinds a node's helper observes and applies.
var NodeKinds = []Kind{
	KindFacts, KindFile, KindDir, KindLink, KindLines, KindHostname, KindRepo, KindPackage,
	KindTrust, KindGroup, KindUser, KindCert, KindUnit, KindSysctl, KindKernelModule, KindTimezone,
	KindGuarded, KindSources, KindFirewall, KindBlock, KindSSHKey,
	KindSELinux, KindKernelArg, KindNoSwap, KindReadAhead, KindTuned, KindNewest, KindPyEnv, KindPGDrained,
}

// EtcdKinds are the kinds inside an etcd cluster.
var EtcdKinds = []Kind{
	KindEtcdCluster, KindEtcdMember, KindEtcdVoter, KindEtcdHealth, KindEtcdAuth, KindEtcdUser, KindEtcdRole,
	KindEtcdBlank, KindEtcdKeys,
}

// PGKinds are the kinds of PostgreSQL. The helpers of a cluster's nodes observe and apply them, too; what
// is inside a cluster is at its leader.
var PGKinds = []Kind{
	KindPGMember, KindPGHealth, KindPGLoaded, KindPGRules, KindPGCluster, KindPGConfig, KindPGRole, KindPGDatabase, KindPGBaseline,
	KindPGSchema, KindPGExtension, KindPGPrivileges, KindPGAbsent, KindPGOff,
	KindPGStanza, KindPGBackup, KindPGRepo, KindPGSite,
	KindPGAltered, KindPGLeading, KindPGSeated,
}

// Encode writes the spec of a resource on a node for the wire. It is the only way a content leaves
// the process; nothing else may be made of the bytes than a frame to a node.
func Encode(s Spec) ([]byte, error) {
	switch s := s.(type) {
	case nil:
		return nil, nil
	case File:
		return json.Marshal(fileWire{fileFields: fileFields(s), Content: s.Content})
	case Repo:
		return json.Marshal(repoWire{repoFields: repoFields(s), Content: s.Content})
	case Guarded:
		return json.Marshal(guardedWire{guardedFields: guardedFields(s), Content: s.Content})
	case PGBaseline:
		return json.Marshal(baselineWire{SQL: s.SQL})
	case PGRole:
		return json.Marshal(roleWire{roleFields: roleFields(s), Password: s.Password.Reveal()})
	}
	return json.Marshal(s)
}

// Decode reads what Encode wrote.
func Decode(k Kind, b []byte) (Spec, error) {
	if len(b) == 0 {
		return nil, nil
	}
	read, ok := decoders[k]
	if !ok {
		return nil, fmt.Errorf("decode a spec: unknown kind %q", k)
	}
	return read(b)
}

var decoders = map[Kind]func([]byte) (Spec, error){
	KindFacts: decode[Facts], KindDir: decode[Dir], KindLink: decode[Link], KindLines: decode[Lines],
	KindHostname: decode[Hostname], KindPackage: decode[Package], KindTrust: decode[Trust],
	KindGroup: decode[Group], KindUser: decode[User], KindCert: decode[Cert], KindUnit: decode[Unit],
	KindSysctl: decode[Sysctl], KindKernelModule: decode[KernelModule], KindTimezone: decode[Timezone],
	KindSources:  decode[Sources],
	KindFirewall: decode[Firewall], KindSELinux: decode[SELinux], KindKernelArg: decode[KernelArg],
	KindNoSwap: decode[NoSwap], KindReadAhead: decode[ReadAhead], KindTuned: decode[Tuned],
	KindBlock: decode[Block], KindSSHKey: decode[SSHKey], KindNewest: decode[Newest], KindPyEnv: decode[PyEnv],
	KindFile: func(b []byte) (Spec, error) {
		var w fileWire
		err := json.Unmarshal(b, &w)
		f := File(w.fileFields)
		f.Content = w.Content
		return f, err
	},
	KindRepo: func(b []byte) (Spec, error) {
		var w repoWire
		err := json.Unmarshal(b, &w)
		r := Repo(w.repoFields)
		r.Content = w.Content
		return r, err
	},
	KindGuarded: func(b []byte) (Spec, error) {
		var w guardedWire
		err := json.Unmarshal(b, &w)
		g := Guarded(w.guardedFields)
		g.Content = w.Content
		return g, err
	},
	KindPGMember: decode[PGMember], KindPGHealth: decode[PGHealth], KindPGLoaded: decode[PGLoaded], KindPGRules: decode[PGRules],
	KindPGSite:    decode[PGSite],
	KindPGCluster: decode[PGCluster], KindPGConfig: decode[PGConfig], KindPGDatabase: decode[PGDatabase],
	KindPGSchema: decode[PGSchema], KindPGExtension: decode[PGExtension],
	KindPGPrivileges: decode[PGPrivileges], KindPGAbsent: decode[PGAbsent], KindPGOff: decode[PGOff],
	KindPGBaseline: func(b []byte) (Spec, error) {
		var w baselineWire
		err := json.Unmarshal(b, &w)
		return PGBaseline{SQL: w.SQL}, err
	},
	KindPGStanza: decode[PGStanza], KindPGBackup: decode[PGBackup], KindPGRepo: decode[PGRepo],
	KindPGAltered: decode[PGAltered], KindPGDrained: decode[PGDrained], KindPGLeading: decode[PGLeading],
	KindPGSeated: decode[PGSeated],
	KindPGRole: func(b []byte) (Spec, error) {
		var w roleWire
		err := json.Unmarshal(b, &w)
		r := PGRole(w.roleFields)
		r.Password = NewSecret(w.Password)
		return r, err
	},
}

func decode[S Spec](b []byte) (Spec, error) {
	var s S
	err := json.Unmarshal(b, &s)
	return s, err
}

// The wire forms shadow the masked content with the bytes themselves.
type (
	fileFields    File
	repoFields    Repo
	guardedFields Guarded
	roleFields    PGRole
	baselineWire  struct {
		SQL []byte `json:",omitempty"`
	}
	fileWire struct {
		fileFields
		Content []byte `json:",omitempty"`
	}
	repoWire struct {
		repoFields
		Content []byte `json:",omitempty"`
	}
	guardedWire struct {
		guardedFields
		Content []byte `json:",omitempty"`
	}
	roleWire struct {
		roleFields
		Password string `json:",omitempty"`
	}
)
