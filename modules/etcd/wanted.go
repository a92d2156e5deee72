package etcd

import (
	"go/token"
	"slices"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/node"
	"github.com/pigsync/pigsync/modules/register"
	"github.com/pigsync/pigsync/resource"
)

const (
	confPath    = "/etc/etcd/etcd.conf"
	caPath      = "/etc/etcd/ca.crt"
	passPath    = "/etc/etcd/etcd.pass"
	servicePath = "/etc/systemd/system/etcd.service"
	profilePath = "/etc/profile.d/etcdctl.sh"
	home        = "/var/lib/etcd" // of the account
)

// settle is for how many seconds etcd must stay up to count as started.
const settle = 2

// wanted is what one member should have.
type wanted struct {
	*cluster
	*member
}

func (w *wanted) pos() token.Position { return w.host.PosIn(groupName) }

// joins tells whether the member is not yet, or no more, one of a living cluster.
func (w *wanted) joins() bool {
	return w.phase == living && (w.standing == pending || w.standing == lost || w.standing == stranger)
}

// stands tells whether nothing can be done with the member in this round, but that an early one is stopped.
func (w *wanted) stands() bool { return w.standing == waiting || w.standing == early }

// want declares everything of the member and returns its health gate. before are the gates that
// must hold before it changes, unless it is broken.
func (w *wanted) want(before []resource.ID) resource.ID {
	ready := w.prepare()
	listed := w.id(resource.KindEtcdMember, w.name)
	after := ready
	if w.phase == living && !w.broken(w.member) {
		after = slices.Concat(ready, before)
	}
	switch {
	case w.joins():
		w.Want(w.pos(), listed, w.listedSpec(), after...)
		return w.gate(w.voter(w.unit(slices.Concat(ready, []resource.ID{listed}))))
	case w.phase == bare:
		return w.gate(w.unit(ready))
	case w.stands():
		after = ready // nothing is done to it, and nobody waits for its turn
	}
	// Its place on the list stands upon all the rest, so that it is the first thing to go, and upon the
	// places of those who would go after it, so that one leaves the list after the other.
	started := w.unit(after)
	gate := w.gate(w.voter(started))
	w.Want(w.pos(), listed, w.listedSpec(), append(w.later(), started, w.formedID())...)
	return gate
}

// later are the places of the members that would leave after this one, if all of them did. Who is to
// join has none yet.
func (w *wanted) later() (places []resource.ID) {
	queue := w.leaving()
	for _, m := range queue[slices.Index(queue, w.member)+1:] {
		other := wanted{cluster: w.cluster, member: m}
		if m.standing != barred && !other.joins() {
			places = append(places, w.id(resource.KindEtcdMember, m.name))
		}
	}
	return places
}

// listedSpec is the member's place on the cluster's list; a lost one gets a new place.
func (w *wanted) listedSpec() resource.Spec {
	info, listed := w.listed(w.member)
	if w.phase != living || w.stands() && !listed {
		return nil
	}
	spec := resource.EtcdMember{PeerURL: w.peerURL()}
	if w.standing == lost {
		spec.Lost = info.ID
	}
	return spec
}

// voter promotes the member once it has caught up, unless it is to stay a learner.
func (w *wanted) voter(after resource.ID) resource.ID {
	if w.vars.Learner {
		return after
	}
	var spec resource.Spec
	if w.phase == living && !w.stands() {
		spec = resource.EtcdVoter{}
	}
	return w.Keep(w.pos(), w.id(resource.KindEtcdVoter, w.name), spec, after)
}

// gate waits for the member's health, and marks the member as formed once it was healthy. Where no gate
// can hold there is none: what comes next waits for the member to have started.
func (w *wanted) gate(after resource.ID) resource.ID {
	if !w.shut {
		after = w.Want(w.pos(), w.gateID(w.member), w.unlessUnknown(resource.EtcdHealth{Healthy: true}), after)
	}
	w.Want(w.pos(), w.formedID(), w.unlessUnknown(resource.NewFile([]byte(formedText), 0o644, "root", "root")), after, w.etcID())
	w.registration(after)
	return after
}

// registration tells the hosts of INFRA of the member, once it serves.
func (w *wanted) registration(after resource.ID) {
	group := register.Group{Labels: map[string]string{"ip": w.addr(), "ins": w.name, "cls": w.vars.Cluster}, Targets: []string{w.clientAddr()}}
	register.Target(w.Pass, w.pos(), "etcd", w.name, []register.Group{group}, after)
}

// unlessUnknown is spec, or nothing where nobody can tell what the member is: data prove nothing, since a
// bootstrap that was interrupted leaves them, too.
func (w *wanted) unlessUnknown(spec resource.Spec) resource.Spec {
	if _, known := w.Facts(w.addr()); !known || w.phase == unknown || w.stands() {
		return nil
	}
	return spec
}

func (w *wanted) etcID() resource.ID { return modules.DirOf("/etc/etcd", w.addr()) }

// prepare wants packages, account, directories, certificates and the files that no one loads.
func (w *wanted) prepare() []resource.ID {
	pos, at := w.pos(), w.addr()
	group := w.Keep(pos, resource.ID{Kind: resource.KindGroup, Name: "etcd", At: at}, resource.Group{System: true})
	account := w.Keep(pos, resource.ID{Kind: resource.KindUser, Name: "etcd", At: at},
		resource.User{Group: "etcd", Home: home, Shell: "/usr/sbin/nologin", System: true}, group)
	etc := w.Want(pos, w.etcID(), resource.Dir{Mode: 0o750, Owner: "etcd", Group: "etcd"}, account)
	// The packages would make the home themselves, with modes of their own, and enable a service of their
	// own, which a node that loses power now would start at boot. Ours does not start unconfigured.
	service := w.Want(pos, modules.FileOf(servicePath, at), resource.NewFile(serviceText, 0o644, "root", "root"))
	packages := w.packages(w.home(account), service)
	data := w.data(account)
	cert := w.certificate(etc)
	pass := w.password(etc)
	profile := w.Want(pos, modules.FileOf(profilePath, at), resource.NewFile(w.profile(), 0o644, "root", "root"))
	return append(packages, data, cert, pass, profile, service)
}

// home is the account's, unless the data are kept right there.
func (w *wanted) home(account resource.ID) resource.ID {
	if w.vars.Data == home {
		return account
	}
	return w.Keep(w.pos(), modules.DirOf(home, w.addr()), resource.Dir{Mode: 0o770, Owner: "etcd", Group: "etcd"}, account)
}

// packages wants the server and its client; Debian names them otherwise than Pigsty's own repository.
func (w *wanted) packages(after ...resource.ID) (ids []resource.ID) {
	want := w.Keep
	if w.vars.RemovePkg {
		want = w.Want
	}
	deps := append(node.Repositories(w.Pass, w.addr()), after...)
	for _, name := range []string{"etcd|etcd-server", "etcd|etcd-client"} {
		ids = append(ids, want(w.pos(), modules.PackageOf(name, w.addr()), resource.Package{}, deps...))
	}
	return ids
}

// data is where the member keeps what it knows. What an earlier life left there must go before the
// member may join.
func (w *wanted) data(after resource.ID) resource.ID {
	want := w.Keep
	if w.vars.RemoveAll {
		want = w.Want
	}
	spec := resource.Dir{Mode: 0o700, Owner: "etcd", Group: "etcd", Data: true}
	spec.Vacant = w.standing == stranger || w.standing == lost
	pos := w.bound.Pos("etcd_data")
	return want(pos, modules.DirOf(w.vars.Data, w.addr()), spec, append(w.Parents(pos, w.addr(), w.vars.Data), after)...)
}

// certificate is one for the server, its clients and its peers.
func (w *wanted) certificate(after resource.ID) resource.ID {
	authority := resource.CAOf(node.CAName(w.Inventory))
	var spec resource.Spec
	if ca, ok := w.Known[authority].Spec.(resource.CA); ok {
		spec = resource.Cert{
			CN: w.name, Names: []string{"127.0.0.1", "localhost", w.host.IP.String(), w.name}, Issuer: ca.Sum,
			Days: int(w.vars.Validity.Hours() / 24), Matched: true, Owner: "etcd", Group: "etcd", Mode: 0o644, KeyMode: 0o600,
		}
	}
	id := resource.ID{Kind: resource.KindCert, Name: resource.CertName("/etc/etcd", "server.crt", "server.key"), At: w.addr()}
	return w.Want(w.bound.Pos("cert_validity"), id, spec, after, authority)
}

// password is root's, for scripts on the node.
func (w *wanted) password(after resource.ID) resource.ID {
	f := resource.NewFile([]byte(w.vars.Password.Reveal()+"\n"), 0o640, "root", "etcd")
	f.Secret = true
	return w.Want(w.bound.Pos("etcd_root_password"), modules.FileOf(passPath, w.addr()), f, after)
}

// unit wants the service with what it loads.
func (w *wanted) unit(after []resource.ID) resource.ID {
	authority := resource.CAOf(node.CAName(w.Inventory))
	ca, authorized := w.Known[authority].Spec.(resource.CA)
	known := authorized && !w.stands()
	conf := modules.Loaded{Path: confPath, Content: w.conf(w.member), Skip: onFirstStart}
	trusted := modules.Loaded{Path: caPath, Content: []byte(ca.PEM)}
	deps := append(slices.Clone(after), w.file(trusted, known, authority))
	deps = append(deps, w.file(conf, known, append(w.beforeItsTurn(deps), authority)...))
	var spec resource.Spec
	switch {
	case w.standing == early:
		return w.Want(w.pos(), w.unitID(), resource.Unit{}, after...)
	case known:
		spec = w.running(modules.Reads(resource.Unit{Active: true, Enabled: true, Noted: true, Settle: settle},
			conf, modules.Loaded{Path: servicePath, Content: serviceText}, trusted))
	}
	return w.Want(w.pos(), w.unitID(), spec, deps...)
}

// running is the service as it should be. As long as a dead member keeps the gates shut, what runs goes
// on as it is: a restart that must wait for the gates would keep the dead member from leaving.
func (w *wanted) running(u resource.Unit) resource.Unit {
	if seen, ok := w.Known[w.unitID()].Spec.(resource.Unit); ok && w.shut && seen.Active {
		return seen
	}
	return u
}

// beforeItsTurn is what must be there before the configuration of a member that has never run: with it
// the member starts by itself when its node boots, so that it comes last, when its turn has come.
func (w *wanted) beforeItsTurn(deps []resource.ID) []resource.ID {
	if w.standing == belongs && w.hasData(w.member) {
		return nil
	}
	return deps
}

func (w *wanted) file(f modules.Loaded, known bool, after ...resource.ID) resource.ID {
	var spec resource.Spec
	if known {
		spec = resource.NewFile(f.Content, 0o644, "etcd", "etcd")
	}
	return w.Want(w.pos(), modules.FileOf(f.Path, w.addr()), spec, append([]resource.ID{w.etcID()}, after...)...)
}
