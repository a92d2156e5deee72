package fleet

import (
	"go/token"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/notation"
)

// texts are the parameters whose texts hold addresses or placeholders, with the placeholders that
// are replaced in them.
var texts = []struct {
	param string
	knows []string
}{
	{"node_default_etc_hosts", onHost},
	{"node_etc_hosts", onHost},
	{"node_dns_servers", admin},
	{"node_ntp_servers", admin},
	{"dns_records", admin},
	{"repo_endpoint", admin},
	{"repo_upstream", []string{"admin_ip", "distro_codename", "distro_name", "releasever", "basearch", "arch"}},
	{"vector_log_endpoint", admin},
	{"infra_portal", admin},
	{"minio_node", []string{"minio_cluster", "minio_seq"}},
	{"minio_endpoint", nil},
	{"minio_domain", nil},
	{"haproxy_services", nil},
	{"redis_instances", nil},
	{"redis_sentinel_monitor", nil},
	{"pg_exporters", nil},
	{"proxy_env", nil},
}

var (
	admin  = []string{"admin_ip"}
	onHost = []string{"admin_ip", "distro_codename", "distro_name"}
)

// The hosts of the sample inventory, by which somebody began.
var (
	sampleNet  = netip.MustParsePrefix("10.10.10.0/24")
	sampleHost = netip.MustParseAddr("10.10.10.10")
	sample     = regexp.MustCompile(`(^|[^0-9.])10\.10\.10\.1[0-3]($|[^0-9.])`)
)

// reader reads every text once, however many hosts have it.
type reader struct {
	*modules.Pass
	moved bool // no host is where those of the sample are
	seen  map[token.Position]bool
}

func checkTexts(p *modules.Pass) {
	r := &reader{Pass: p, seen: map[token.Position]bool{}}
	r.moved = movedAway(p.Inventory)
	if h := p.Inventory.Host(sampleHost.String()); h != nil && r.moved {
		r.moved = false // what names that host is right as long as it is one
		r.Warnf(h.Pos, CodeSample, "%s: is the host of the sample, and all others are elsewhere: want an address of yours", h.Addr)
	}
	for _, h := range p.Inventory.Hosts() {
		for i := range texts {
			if v, ok := h.Lookup(texts[i].param); ok && !r.seen[v.Pos] {
				r.seen[v.Pos] = true
				r.read(v, texts[i].knows)
			}
		}
	}
}

// movedAway tells whether there are hosts, and none of them but the first of the sample is in the
// network of the sample.
func movedAway(inv *inventory.Inventory) bool {
	moved := false
	for _, h := range inv.Hosts() {
		if h.IP == sampleHost {
			continue
		}
		if sampleNet.Contains(h.IP) {
			return false
		}
		moved = true
	}
	return moved
}

func (r *reader) read(v inventory.Value, knows []string) {
	switch v.Kind() {
	case inventory.List:
		items, _ := v.List() // cannot fail: it is one
		for _, item := range items {
			r.read(item, knows)
		}
	case inventory.Map:
		entries, _ := v.Map() // cannot fail: it is one
		for _, e := range entries {
			r.read(e.Value, knows)
		}
	case inventory.String:
		r.text(v, knows)
	}
}

func (r *reader) text(v inventory.Value, knows []string) {
	text := v.String()
	if r.moved && strings.Contains(text, "10.10.10.1") && sample.MatchString(text) {
		r.Warnf(v.Pos, CodeSample, "%s: has an address of the sample in it, and the hosts are elsewhere", v.Name())
	}
	if !strings.Contains(text, "${") || strings.HasSuffix(v.Name(), ".config") { // lines of nginx, whose variables look the same
		return
	}
	for _, name := range notation.Placeholders(text) {
		switch {
		case slices.Contains(knows, name):
		case len(knows) > 0:
			r.Warnf(v.Pos, CodePlaceholder, "%s: nothing replaces ${%s}: want %s", v.Name(), name, "${"+strings.Join(knows, "} or ${")+"}")
		default:
			r.Warnf(v.Pos, CodePlaceholder, "%s: nothing replaces ${%s}: placeholders are not known here", v.Name(), name)
		}
	}
}
