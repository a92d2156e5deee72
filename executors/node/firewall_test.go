package node_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/executors/node"
	"github.com/pigsync/pigsync/resource"
)

var wall = id(resource.KindFirewall, "node")

// gatehouse is a machine with tools for a firewall: what they do to files and to the kernel, as recorded on
// Debian 13.
type gatehouse struct {
	*guardhouse
	kernel map[string]string // chains by name, as nft or iptables list them
	broken string            // the command that fails
}

func newGatehouse(t *testing.T, tools ...string) *gatehouse {
	g := &gatehouse{guardhouse: newGuardhouse(t), kernel: map[string]string{}}
	for _, tool := range tools {
		write(t, g.dir+"/usr/sbin/"+tool, "")
	}
	write(t, g.dir+"/etc/default/ufw", "# set\nIPV6=no\n")
	write(t, g.dir+"/etc/ufw/ufw.conf", "ENABLED=no\n")
	write(t, g.dir+"/etc/ufw/user.rules", "")
	g.l.Run = g.obey
	return g
}

func (g *gatehouse) obey(_ context.Context, c node.Command) ([]byte, error) {
	words := strings.Join(c.Argv, " ")
	if g.broken != "" && strings.HasPrefix(words, g.broken) {
		return []byte("no luck"), errBoom
	}
	chain := c.Argv[len(c.Argv)-1]
	switch {
	case strings.HasPrefix(words, "nft -s list chain"):
		if text, there := g.kernel[chain]; there {
			return []byte(text), nil
		}
		return []byte("Error: No such file or directory"), errBoom
	case words == "iptables -S":
		return []byte(g.kernel["iptables"]), nil
	case words == "systemctl reload-or-restart pigsync-firewall.service":
		g.load()
	case words == "systemctl disable --now pigsync-firewall.service":
		delete(g.kernel, "input")
		delete(g.kernel, "wanted")
		os.RemoveAll(g.dir + "/etc/systemd/system/sysinit.target.wants")
	case words == "systemctl enable pigsync-firewall.service":
		write(g, g.dir+"/etc/systemd/system/sysinit.target.wants/pigsync-firewall.service", "")
	case strings.HasPrefix(words, "ufw"):
		g.ufw(strings.TrimPrefix(strings.TrimPrefix(words, "ufw "), "--force "))
	case strings.HasPrefix(words, "systemctl") && strings.HasSuffix(words, "--now firewalld"), strings.HasPrefix(words, "firewall-cmd"):
		g.firewalld(words)
	}
	return g.run(context.Background(), c)
}

// load is what `nft -f` makes of our file.
func (g *gatehouse) load() {
	file := text(g.T, g.dir+"/etc/nftables.d/pigsync.nft")
	_, file, _ = strings.Cut(file, "chain wanted {")
	wanted, input, _ := strings.Cut(file, "chain input {")
	g.kernel["wanted"], g.kernel["input"] = "table inet pigsync {\n\tchain wanted {"+wanted, "table inet pigsync {\n\tchain input {"+input
}

var policyRule = regexp.MustCompile(`port="(\d+)"|source address="([^"]+)"`)

// firewalld has what its policy files say after a start or a reload.
func (g *gatehouse) firewalld(words string) {
	want := g.dir + "/etc/systemd/system/multi-user.target.wants/firewalld.service"
	delete(g.kernel, "filter_IN_policy_pigsync_allow")
	if strings.Contains(words, "disable") {
		delete(g.kernel, "filter_INPUT")
		os.Remove(want)
		return
	}
	write(g, want, "")
	g.kernel["filter_INPUT"] = "chain filter_INPUT {}"
	b, err := os.ReadFile(g.dir + "/etc/firewalld/policies/pigsync.xml")
	if err != nil {
		return
	}
	chain := "table inet firewalld {\n\tchain filter_IN_policy_pigsync_allow {\n"
	for _, m := range policyRule.FindAllStringSubmatch(string(b), -1) {
		if m[1] != "" {
			chain += "\t\ttcp dport " + m[1] + " accept\n"
		} else {
			chain += "\t\tip saddr " + m[2] + " accept\n"
		}
	}
	g.kernel["filter_IN_policy_pigsync_allow"] = chain + "\t}\n}\n"
}

// ufw keeps tuples, and gives them to the kernel while it is on.
func (g *gatehouse) ufw(words string) {
	conf, file := g.dir+"/etc/ufw/ufw.conf", g.dir+"/etc/ufw/user.rules"
	rules := strings.Fields(strings.ReplaceAll(text(g.T, file), " ", "_"))
	verb, rest, _ := strings.Cut(words, " ")
	switch verb {
	case "enable", "disable":
		write(g, conf, map[string]string{"enable": "ENABLED=yes\n", "disable": "ENABLED=no\n"}[verb])
	case "allow", "delete":
		rule, comment, _ := strings.Cut(strings.TrimPrefix(rest, "allow "), " comment ")
		tuple := "### tuple ### allow tcp " + strings.TrimSuffix(rule, "/tcp") + " 0.0.0.0/0 any 0.0.0.0/0 in"
		if network, ok := strings.CutPrefix(rule, "from "); ok {
			tuple = "### tuple ### allow any any 0.0.0.0/0 any " + strings.TrimSuffix(network, "/32") + " in"
		}
		tuple = strings.ReplaceAll(tuple, " ", "_")
		rules = slices.DeleteFunc(rules, func(r string) bool { return r == tuple || strings.HasPrefix(r, tuple+"_") })
		if comment != "" {
			tuple += "_comment=" + hex.EncodeToString([]byte(comment))
		}
		if verb == "allow" {
			rules = append(rules, tuple)
		}
	}
	write(g, file, strings.ReplaceAll(strings.Join(rules, "\n")+"\n", "_", " "))
	g.kernel["iptables"] = "-P INPUT ACCEPT\n"
	if !strings.Contains(text(g.T, conf), "yes") {
		return
	}
	g.kernel["iptables"] += "-A INPUT -j ufw-before-input\n"
	for _, r := range rules {
		f := strings.Split(r, "_")
		if f[4] == "tcp" {
			g.kernel["iptables"] += fmt.Sprintf("-A ufw-user-input -p tcp -m tcp --dport %s -j ACCEPT\n", f[5])
		} else {
			g.kernel["iptables"] += fmt.Sprintf("-A ufw-user-input -s %s -j ACCEPT\n", longPrefix(f[8]))
		}
	}
}

func longPrefix(s string) string {
	if strings.Contains(s, "/") {
		return s
	}
	return s + "/32"
}

var (
	walls1 = resource.NewFirewall([]string{"10.0.0.0/8", "192.168.7.7/32"}, []int{80, 22})
	walls2 = resource.NewFirewall([]string{"10.0.0.0/8"}, []int{22, 443})
)

// Each tool is told, keeps what it was told, and forgets it.
func TestFirewall(t *testing.T) {
	for _, tools := range [][]string{{"nft"}, {"nft", "ufw"}, {"nft", "firewalld"}} {
		t.Run(tools[len(tools)-1], func(t *testing.T) {
			g := newGatehouse(t, tools...)
			if got := see(t, g.l, wall); got != nil {
				t.Errorf("what nobody asked for is ours: %v", got)
			}
			for _, want := range []resource.Firewall{walls1, walls2, resource.NoFirewall(), walls1} {
				if err := set(t, g.l, wall, want); err != nil {
					t.Fatal(err)
				}
				if d := want.Compare(see(t, g.l, wall)); len(d) > 0 || g.timers() != 0 {
					t.Errorf("differs in %v, %d timers", d, g.timers())
				}
			}
			for _, clear := range []string{"wanted", "filter_IN_policy_pigsync_allow", "iptables"} {
				delete(g.kernel, clear)
			}
			if d := walls1.Compare(see(t, g.l, wall)); len(d) != 1 || d[0].Path != "live" {
				t.Errorf("a kernel that forgot differs in %v", d)
			}
			if err := set(t, g.l, wall, walls1); err != nil {
				t.Fatal(err)
			}
			if err := set(t, g.l, wall, nil); err != nil {
				t.Fatal(err)
			}
			if got := see(t, g.l, wall); got != nil || len(g.kernel) > 1 || strings.Contains(g.kernel["iptables"], "ACCEPT\n-A") {
				t.Errorf("left behind: %v, %v", got, g.kernel)
			}
		})
	}
}

// What nobody confirms is taken back, and a tool that was off is off.
func TestFirewallUndo(t *testing.T) {
	for _, tools := range [][]string{{"nft"}, {"nft", "ufw"}, {"nft", "firewalld"}} {
		t.Run(tools[len(tools)-1], func(t *testing.T) {
			g := newGatehouse(t, tools...)
			far := piped(t, g.l, node.Options{})
			if err := far.Apply(t.Context(), change(wall, walls1, nil)); err != nil {
				t.Fatal(err)
			}
			fails(t, g.l.Observe(t.Context(), []resource.ID{wall})[wall].Err, "waits to be confirmed")
			if err := g.l.Undo(t.Context(), "firewall"); err != nil {
				t.Fatal(err)
			}
			if got := see(t, g.l, wall); got != nil || g.timers() != 0 || len(g.kernel) > 1 {
				t.Errorf("got %v, %d timers, %v", got, g.timers(), g.kernel)
			}
			fails(t, far.Confirm(t.Context(), wall), "too late, it has undone itself")
			if err := set(t, g.l, wall, walls1); err != nil {
				t.Fatal(err)
			}
			have := see(t, g.l, wall)
			if err := far.Apply(t.Context(), change(wall, walls2, have)); err != nil {
				t.Fatal(err)
			}
			if err := g.l.Undo(t.Context(), "firewall"); err != nil {
				t.Fatal(err)
			}
			if d := walls1.Compare(see(t, g.l, wall)); len(d) > 0 {
				t.Errorf("the undone change differs in %v", d)
			}
		})
	}
}

// Rules of others stay, also one that we wanted, too, and a tool that they had switched on stays on.
func TestFirewallOfOthers(t *testing.T) {
	g := newGatehouse(t, "nft", "ufw")
	g.ufw("allow 80/tcp")
	g.ufw("allow 9000/tcp")
	g.ufw("enable")
	before := text(t, g.dir+"/etc/ufw/user.rules")
	if err := set(t, g.l, wall, walls1); err != nil {
		t.Fatal(err)
	}
	if err := set(t, g.l, wall, nil); err != nil {
		t.Fatal(err)
	}
	after := text(t, g.dir+"/etc/ufw/user.rules")
	for _, port := range []string{"80", "9000"} {
		if !strings.Contains(after, " tcp "+port+" 0.0.0.0/0 any 0.0.0.0/0 in\n") {
			t.Errorf("port %s of others is closed: %s, was %s", port, after, before)
		}
	}
	if strings.Count(after, "tuple") != 2 || !strings.Contains(text(t, g.dir+"/etc/ufw/ufw.conf"), "yes") {
		t.Errorf("left: %s", after)
	}
}

// A tool that comes later takes over, and nothing stays with the one before.
func TestFirewallChangesHands(t *testing.T) {
	g := newGatehouse(t, "nft")
	if err := set(t, g.l, wall, walls1); err != nil {
		t.Fatal(err)
	}
	write(t, g.dir+"/usr/sbin/ufw", "")
	g.ufw("enable")
	now := see(t, g.l, wall).(resource.Firewall)
	if now.Tool != "ufw" || now.Live || len(now.Ports) != 0 {
		t.Errorf("got %+v", now)
	}
	if err := set(t, g.l, wall, walls1); err != nil {
		t.Fatal(err)
	}
	if now := see(t, g.l, wall).(resource.Firewall); now.Tool != "ufw" || !now.Live || g.kernel["wanted"] != "" {
		t.Errorf("got %+v, %v", now, g.kernel)
	}
}

// Each part that fails leaves the node as it was; without a tool there is nothing to be done.
func TestFirewallFails(t *testing.T) {
	for bad, says := range map[string]string{
		"systemctl enable --now pigsync-undo": "no timer, no change", "nft -c": "nftables: nft: boom: no luck",
		"systemctl enable pigsync": "boom", "systemctl reload-or": "boom",
	} {
		g := newGatehouse(t, "nft")
		g.broken = bad
		fails(t, set(t, g.l, wall, walls1), says)
		g.broken = ""
		if err := g.l.Undo(t.Context(), "firewall"); err != nil {
			t.Error(err)
		}
		if got := see(t, g.l, wall); got != nil || g.timers() != 0 {
			t.Errorf("%s: got %v, %d timers", bad, got, g.timers())
		}
	}
	g := newGatehouse(t)
	fails(t, set(t, g.l, wall, walls1), "neither firewalld nor ufw nor nftables is installed")
	g = newGatehouse(t, "nft")
	g.broken = "nft -s list"
	if err := set(t, g.l, wall, walls1); err == nil {
		t.Error("a kernel that cannot be asked was taken for an empty one")
	}
	fails(t, g.l.Undo(t.Context(), "nonsense"), "never on trial")
}
