package node

import (
	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

// Module is the NODE module.
var Module = &modules.Module{
	Name: "node", Doc: "a machine: its name, hosts, trust, package sources and packages",
	Vars: Vars{}, Places: places, Survey: survey, Compile: compile,
}

// caDays is the lifetime of a new authority: about a hundred years, as Pigsty's.
const caDays = 36500

func survey(inv *inventory.Inventory) []resource.ID {
	ids := []resource.ID{resource.CAOf(CAName(inv))}
	for _, h := range inv.Hosts() {
		ids = append(ids, resource.FactsOf(h.Addr))
		ids = append(ids, surveyExporter(h)...)
		ids = append(ids, surveyVIP(h)...)
	}
	ids = append(ids, resource.IdentityID)
	for _, p := range peers(inv) {
		ids = append(ids, p.key(), p.lines())
	}
	return ids
}

// CAName is the common name of the deployment's authority (parameter ca_cn).
func CAName(inv *inventory.Inventory) string {
	var v struct {
		Name string `var:"ca_cn" default:"pigsty-ca"`
	}
	inventory.Bind(inv.All(), &v)
	return v.Name
}

func compile(p *modules.Pass) {
	authority(p.For("infra/ca"))
	cs := bind(p)
	checkNames(cs)
	checkVIPs(cs)
	names, peers, shared := roster(p.Inventory), hear(p), sharers(cs)
	named := namers(cs, shared)
	served := servesTime(cs)
	for _, c := range cs {
		c.roster, c.peers, c.served, c.sharers = names, peers, served, shared[c.vars.VIPAddress]
		c.namer = named[c.vars.cluster()] == c
		c.check()
		c.compile()
	}
	for _, c := range cs {
		c.registration()
	}
}

// bind reads the parameters of every host, and leaves those out that cannot be read.
func bind(p *modules.Pass) []*compiler {
	var cs []*compiler
	for _, h := range p.Inventory.Hosts() {
		c := &compiler{Pass: p.For("node/" + h.Addr), host: h}
		c.bound = inventory.Bind(h, &c.vars)
		reach := inventory.Bind(h, &c.access)
		if c.Bound(reach.Problems) && c.Bound(c.bound.Problems) {
			cs = append(cs, c)
		}
	}
	return cs
}

// authority wants the deployment's certificate authority to exist.
func authority(p *modules.Pass) {
	var v Vars
	all := p.Inventory.All()
	b := inventory.Bind(all, &v)
	id := resource.CAOf(CAName(p.Inventory))
	known := p.Known[id]
	var spec resource.Spec = resource.CA{Name: id.Name, Days: caDays}
	if known.Err == nil && known.Spec == nil && !v.CACreate {
		p.Errorf(b.Pos("ca_create"), CodeNoCA, "there is no authority %s, and ca_create forbids to make one", id.Name)
		spec = nil // what needs it waits
	}
	p.Keep(b.Pos("ca_cn"), id, spec)
}

// compiler is the compilation of one host.
type compiler struct {
	*modules.Pass
	host   *inventory.Host
	vars   Vars
	access access
	bound  *inventory.Bound
	facts  resource.Facts
	// roster are the names of all nodes, as lines of a hosts file.
	roster []string
	peers  []heard // the accounts that exchange their keys
	served bool    // some node takes its time from the admin node
	// sharers are the nodes that share the address of this one; none when it shares none.
	sharers []*compiler
	namer   bool // it registers the name of the shared address
}

func (c *compiler) compile() {
	c.facts, _ = c.Facts(c.host.Addr)
	c.Tenants, c.Asked = c.tenants(), c.vars.asked()
	c.hostname()
	c.hosts()
	c.exchange()
	c.trust()
	c.data()
	c.kernel()
	c.limits()
	c.profile()
	c.aliases()
	c.admin()
	c.crontab()
	repos := c.repositories()
	c.packages(repos)
	c.python(repos)
	c.firewall(repos)
	c.tuned(repos)
	c.hardware()
	c.timezone(repos)
	c.chrony(repos)
	c.resolver()
	c.haproxy(repos)
	c.nodeExporter(repos)
	c.keepalived(repos)
	c.docker(repos)
	c.logs(repos)
}

// trust gives the node the authority's certificate, for programs that name it and for all others.
func (c *compiler) trust() {
	pos, node := c.bound.Pos("ca_cn"), c.host.Addr
	name := CAName(c.Inventory)
	id := resource.CAOf(name)
	ca, exists := c.Known[id].Spec.(resource.CA)
	var file, anchor resource.Spec
	if exists {
		file = resource.NewFile([]byte(ca.PEM), 0o644, "root", "root")
		anchor = resource.Trust{PEM: ca.PEM, Bundled: true}
	}
	pki := c.Keep(pos, modules.DirOf("/etc/pki", node), resource.Dir{Mode: 0o755, Owner: "root", Group: "root"})
	c.Keep(pos, modules.FileOf("/etc/pki/ca.crt", node), file, pki, id)
	c.Keep(pos, resource.ID{Kind: resource.KindTrust, Name: name, At: node}, anchor, id)
}
