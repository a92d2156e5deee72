package modtest

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

// ErrUnreachable is the state of everything on a node that cannot be reached.
var ErrUnreachable = errors.New("unreachable")

// Debian is what is known of a node that nobody speaks of.
var Debian = resource.Facts{
	Hostname: "debian", Arch: "amd64", Distro: "debian", Release: "13", Codename: "trixie",
	CPU: 2, MemMB: 4096, DiskMB: 102400, BootID: "boot-1", Packages: "deb",
	Free: []resource.FileSystem{{Path: "/", SizeMB: 102400, FreeMB: 51200}},
}

// Authority is a certificate authority that exists.
func Authority(name string) resource.CA {
	return resource.CA{Name: name, PEM: "certificate of " + name + "\n", Sum: "sum-of-" + name}
}

// ReadKnown reads what was seen of the surveyed ids, a line each; # begins a comment:
//
//	node NODE DISTRO RELEASE CODENAME ARCH   facts other than Debian's
//	nic NODE NAME ADDRESS/BITS...            a network interface, after the node's other facts
//	unreachable NODE...                      nothing there could be asked
//	away NODE...                             the same of Debian's that were seen before
//	ca NAME                                  the authority exists
//	resolver WHO[=ADDR,...] NODE...          who writes resolv.conf there, and the servers it had
//	identity KEY                             what pigsync comes with
//	key PATH NODE...                         the account has a pair of keys
//	lets USER KEY PEER NODE...               the account lets the key of a peer in
//	dir PATH NODE...                         the directory is there
//	file PATH NODE...                        the file is there
//	package NAME NODE ALTERNATIVE            one of the alternatives of the package is installed
//	unoffered NAME NODE                      no package source has any of them
//	etcd CLUSTER quorum|no-quorum|unknown [LEADER]
//	member CLUSTER NAME PEERURL [ill] [learner]     NAME - has not started yet
//	postgres CLUSTER LEADER|-|unknown               of PostgreSQL; - when nobody leads
//	rule INSTANCE NODE LINE...                      a line of its pg_hba.conf
//	client INSTANCE NODE DATABASE USER ADDRESS      who is connected to it
//	goes CLUSTER pgrole/NAME|pgdatabase/NAME        is there, and is to go
//	instance CLUSTER NAME NODE SYSTEM [leads|follows] [paused] [pending]   with neither, only its data are there
//	stanza NAME PLACE SYSTEM [full]          a repository keeps backups of a cluster, and has a full one
//	site NAME NODE torn|whole|taken|locales [WORD...]                      what lies where an instance is to stand, or is in its way
//	blank KEY CLUSTER                               a key of etcd that holds nothing
func ReadKnown(text string, ids []resource.ID) (map[resource.ID]resource.State, error) {
	k := known{}
	for _, id := range ids {
		k[id] = resource.State{}
		if id.Kind == resource.KindFacts {
			k[id] = resource.State{Spec: Debian}
		}
	}
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if err := k.line(words[0], words[1:]); err != nil {
			return nil, fmt.Errorf("%q: %w", strings.TrimSpace(line), err)
		}
	}
	return k, nil
}

type known map[resource.ID]resource.State

var arity = map[string]int{"node": 5, "nic": 3, "unreachable": 1, "away": 1, "ca": 1, "resolver": 2, "identity": 1, "key": 2, "lets": 4, "dir": 2, "file": 2, "package": 3, "unoffered": 2, "etcd": 2, "member": 3, "postgres": 2, "instance": 4, "stanza": 3, "rule": 3, "client": 5, "goes": 2, "site": 3, "blank": 2}

func (k known) line(word string, args []string) error {
	if least, ok := arity[word]; !ok || len(args) < least {
		return errors.New("unknown word, or too few after it")
	}
	switch word {
	case "node":
		f := Debian
		f.Distro, f.Release, f.Codename, f.Arch = args[1], args[2], args[3], args[4]
		f.Packages = map[string]string{"debian": "deb", "ubuntu": "deb", "rocky": "rpm", "rhel": "rpm", "almalinux": "rpm"}[f.Distro]
		k[resource.FactsOf(args[0])] = resource.State{Spec: f}
	case "nic":
		return k.nic(resource.FactsOf(args[0]), args[1], args[2:])
	case "unreachable":
		k.lose(args)
	case "away":
		k.lose(args)
		for _, node := range args {
			k[resource.LastFactsOf(node)] = resource.State{Spec: Debian}
		}
	case "ca":
		k[resource.CAOf(args[0])] = resource.State{Spec: Authority(args[0])}
	case "resolver":
		k.resolver(args)
	case "identity":
		k[resource.IdentityID] = resource.State{Spec: resource.Identity{Keys: []string{strings.Join(args, " ")}}}
	case "key":
		for _, at := range args[1:] {
			k[resource.SSHKeyOf(args[0], at)] = resource.State{Spec: resource.SSHKey{Public: "ssh-ed25519 AAAA" + at, Published: true}}
		}
	case "lets":
		name := resource.LinesName("/home/"+args[0]+"/.ssh/authorized_keys", "pigsty exchange")
		k.put(resource.KindLines, append([]string{name}, args[3:]...), resource.Lines{Lines: []string{"ssh-ed25519 " + args[1] + " " + args[2]}})
	case "dir":
		k.put(resource.KindDir, args, resource.Dir{})
	case "file":
		k.put(resource.KindFile, args, resource.File{})
	case "package":
		k[resource.ID{Kind: resource.KindPackage, Name: args[0], At: args[1]}] = resource.State{Spec: resource.Package{Name: args[2], Version: "1.0"}}
	case "unoffered":
		k.put(resource.KindPackage, args, resource.Package{Unoffered: true})
	case "etcd":
		return k.etcd(args)
	case "member":
		k.member(args)
	case "postgres":
		k.postgres(args)
	case "instance":
		k.instance(args)
	case "stanza":
		k.stanza(args)
	case "rule", "client":
		k.rules(word, args)
	case "goes":
		k[resource.ID{Kind: resource.KindPGAbsent, Name: args[1], At: args[0]}] = resource.State{Spec: resource.PGAbsent{There: true}}
	case "site":
		k.site(args)
	case "blank":
		k[resource.ID{Kind: resource.KindEtcdBlank, Name: args[0], At: args[1]}] = resource.State{Spec: resource.EtcdBlank{Blank: true}}
	}
	return nil
}

func (k known) nic(id resource.ID, name string, addrs []string) error {
	f, _ := k[id].Spec.(resource.Facts)
	n := resource.NIC{Name: name}
	for _, a := range addrs {
		p, err := netip.ParsePrefix(a)
		if err != nil {
			return err
		}
		n.Addrs = append(n.Addrs, p)
	}
	f.NICs = append(f.NICs, n)
	k[id] = resource.State{Spec: f}
	return nil
}

func (k known) put(kind resource.Kind, args []string, s resource.Spec) {
	for _, at := range args[1:] {
		k[resource.ID{Kind: kind, Name: args[0], At: at}] = resource.State{Spec: s}
	}
}

func (k known) resolver(args []string) {
	who, servers, _ := strings.Cut(args[0], "=")
	for _, at := range args[1:] {
		id := resource.FactsOf(at)
		f, _ := k[id].Spec.(resource.Facts)
		f.Resolver, f.Nameservers = who, strings.ReplaceAll(servers, ",", " ")
		k[id] = resource.State{Spec: f}
	}
}

func (k known) lose(nodes []string) {
	for id := range k {
		if slices.Contains(nodes, id.At) {
			k[id] = resource.State{Err: ErrUnreachable}
		}
	}
}

func (k known) etcd(args []string) error {
	id := resource.EtcdClusterOf(args[0])
	switch args[1] {
	case "unknown":
		k[id] = resource.State{Err: errors.New("nobody answers with a quorum")}
	case "no-quorum":
		k[id] = resource.State{Spec: resource.EtcdCluster{ID: "c0"}}
	case "quorum":
		leader := strings.Join(args[2:], "")
		k[id] = resource.State{Spec: resource.EtcdCluster{ID: "c0", Quorum: true, Auth: true, Leader: leader}}
	default:
		return errors.New("want quorum, no-quorum or unknown")
	}
	return nil
}

func (k known) member(args []string) {
	id := resource.EtcdClusterOf(args[0])
	c, _ := k[id].Spec.(resource.EtcdCluster)
	name := strings.TrimPrefix(args[1], "-")
	c.Members = append(c.Members, resource.EtcdMemberInfo{
		ID: fmt.Sprintf("a%d", len(c.Members)+1), Name: name, PeerURL: args[2],
		Learner: slices.Contains(args, "learner"), Healthy: name != "" && !slices.Contains(args, "ill"), Version: "3.5.16",
	})
	k[id] = resource.State{Spec: c}
}

func (k known) postgres(args []string) {
	state := resource.State{Spec: resource.PGCluster{Leader: strings.TrimPrefix(args[1], "-")}}
	if args[1] == "unknown" {
		state = resource.State{Err: ErrUnreachable}
	}
	k[resource.PGClusterOf(args[0])] = state
}

func (k known) instance(args []string) {
	id := resource.PGClusterOf(args[0])
	c, _ := k[id].Spec.(resource.PGCluster)
	m := resource.PGMemberInfo{Instance: args[1], Node: args[2], PGMember: resource.PGMember{System: args[3], Major: 17}}
	for word, role := range map[string]string{"leads": resource.PGLeader, "follows": resource.PGReplica} {
		if slices.Contains(args, word) {
			m.Role, m.Cluster, m.Up = role, args[0], true
		}
	}
	m.Paused, m.Pending = slices.Contains(args, "paused"), slices.Contains(args, "pending")
	c.Members = append(c.Members, m)
	k[id] = resource.State{Spec: c}
}

func (k known) stanza(args []string) {
	s := resource.PGStanza{System: args[2], Major: 17}
	if slices.Contains(args, "full") {
		s.Backups, s.Full = 1, resource.PGSaved{Label: "20261121-215423F", Type: "full", Sound: true}
	}
	k[resource.ID{Kind: resource.KindPGStanza, Name: args[0], At: args[1]}] = resource.State{Spec: s}
}

// site is what stands in the way of an instance.
func (k known) site(args []string) {
	id := resource.PGSiteOf(args[0], args[1])
	p, _ := k[id].Spec.(resource.PGSite)
	switch what, rest := args[2], args[3:]; what {
	case "taken":
		p.Taken = append(p.Taken, strings.Join(rest, " "))
	case "locales":
		p.Locales = rest
	default:
		p.Data, p.Files = what, rest
	}
	k[id] = resource.State{Spec: p}
}
