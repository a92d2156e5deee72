package pgsql

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/node"
	"github.com/pigsync/pigsync/resource"
)

const (
	vipConf    = "/etc/default/vip-manager.yml"
	vipService = "/etc/systemd/system/vip-manager.service"
	// oldestVIP is the first release of vip-manager that speaks the language of etcd 3.
	oldestVIP = 2
)

// keepers want, on every member, the program that holds the cluster's virtual address where Patroni's key
// in etcd names that member. The leader comes last: who starts anew lets go of the address for a moment.
func (c *cluster) keepers() {
	vip, head, ok := c.vip()
	if !ok {
		return
	}
	var others []resource.ID
	leader := c.leading()
	for _, m := range slices.Concat(without(c.members, leader), []*member{leader}) {
		i := instance{c, m}
		after := append(i.login(), modules.FileOf(i.home()+"/cert/ca.crt", i.addr()))
		if m == leader {
			after = append(after, others...)
		}
		if id, runs := i.keeper(head, vip.Addr().String(), vip.Bits(), after); runs {
			others = append(others, id)
		}
	}
}

// leading is the member that leads, or that is to lead at first.
func (c *cluster) leading() *member {
	for _, m := range c.members {
		if c.seen.Leader == m.name() {
			return m
		}
	}
	return c.head()
}

func without(all []*member, one *member) []*member {
	return slices.DeleteFunc(slices.Clone(all), func(m *member) bool { return m == one })
}

func (i *instance) keeper(head *member, address string, bits int, after []resource.ID) (unit resource.ID, runs bool) {
	pos := head.at(head.pos("pg_vip_enabled"))
	service := modules.FileOf(vipService, i.addr())
	pkg, offered := i.optional(vipManagers, append(node.Repositories(i.Pass, i.addr()), service))
	conf := modules.Loaded{Path: vipConf, Content: i.keeperConf(address, bits)}
	nic, known := i.keeperCard()
	var file, spec resource.Spec
	if known && i.knowsEtcd(pkg) {
		conf.Content = []byte(strings.Replace(string(conf.Content), anyCard, nic, 1))
		f := resource.NewFile(conf.Content, 0o600, "root", dbGroup)
		f.Secret = true
		file = f
		spec = modules.Reads(resource.Unit{Active: true, Enabled: true, Noted: true, Settle: settle}, conf,
			modules.Loaded{Path: vipService, Content: i.keeperUnit()})
	}
	if !offered {
		return unit, false
	}
	id := i.Tend(pos, modules.FileOf(vipConf, i.addr()), file, append([]resource.ID{pkg}, after...)...)
	return i.Tend(pos, modules.UnitOf("vip-manager", i.addr()), spec, id, service), true
}

// knowsEtcd tells whether the release that is installed speaks the language of etcd 3, as far as is known.
func (i *instance) knowsEtcd(pkg resource.ID) bool {
	p, _ := i.Known[pkg].Spec.(resource.Package)
	version := p.Version
	if _, after, found := strings.Cut(version, ":"); found {
		version = after
	}
	major, _, _ := strings.Cut(version, ".")
	if n, err := strconv.Atoi(major); err == nil && n < oldestVIP && p.Name != "" {
		i.Warnf(i.here(), CodeOldVIP, "pg_vip_enabled: vip-manager %s of %s knows only the API of etcd 2: the address is not held there; want release %d or a later one",
			p.Version, i.addr(), oldestVIP)
		return false
	}
	return true
}

// keeperCard is the network card for the address: the one with the host's own, unless the inventory names another.
func (i *instance) keeperCard() (nic string, known bool) {
	if i.vars.VIPInterface != "auto" {
		return i.vars.VIPInterface, true
	}
	f, known := i.Facts(i.addr())
	if nic = f.NIC(i.host.IP); known && nic == "" {
		i.Errorf(i.here(), CodeNoCard, "pg_vip_interface: no network card of %s has that address: want the name of one", i.addr())
	}
	return nic, nic != ""
}

// anyCard stands in the configuration for a card that is not known yet.
const anyCard = "auto"

func (i *instance) keeperConf(address string, bits int) []byte {
	v := &i.vars
	password := v.EtcdPassword.Reveal()
	if v.EtcdPassword.IsZero() {
		password = i.scope()
	}
	var ends []string
	for _, at := range i.fleet.etcdHosts() {
		ends = append(ends, "https://"+at)
	}
	return []byte(tree{
		{"interval", 1000},
		{"trigger-key", strings.TrimSuffix(v.Namespace, "/") + "/" + i.scope() + "/leader"},
		{"trigger-value", i.member.name()},
		{"ip", address}, {"netmask", bits}, {"interface", anyCard}, {"hosting-type", "basic"},
		{"dcs-type", "etcd"}, {"dcs-endpoints", ends}, {"etcd-user", i.scope()}, {"etcd-password", password}, {"etcd-ca-file", caPath},
		{"retry-num", 3}, {"retry-after", 250}, {"verbose", false},
	}.String())
}

// keeperUnit is there with and without an address: Debian enables its own unit with the package, and this one
// starts nothing as long as there is no configuration. vip-manager lets go of the address when it is
// interrupted, not when it is terminated.
func (i *instance) keeperUnit() []byte {
	return render("vip-manager.service", map[string]any{"Conf": vipConf})
}
