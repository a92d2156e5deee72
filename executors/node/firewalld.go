package node

import (
	"context"
	"encoding/xml"
	"fmt"
	"strings"
)

const (
	firewalldPolicy = "/etc/firewalld/policies/pigsync.xml"
	firewalldWant   = "/etc/systemd/system/multi-user.target.wants/firewalld.service"
)

// firewalld gets a policy of our own, from every zone to the node itself and before the rules of the
// zones: zones, which others change, are not touched.
type firewalld struct{}

func (firewalld) name() string { return "firewalld" }

func (firewalld) installed(v *view) (bool, error) { return v.anyOf("/usr/sbin/firewalld") }

func (firewalld) on(v *view) (bool, error) { return v.anyOf(firewalldWant) }

// policy is what we read of a policy file.
type policy struct {
	Ports []struct {
		Port int `xml:"port,attr"`
	} `xml:"port"`
	Rules []struct {
		Source struct {
			Address string `xml:"address,attr"`
		} `xml:"source"`
	} `xml:"rule"`
}

func (firewalld) kept(v *view) (r rules, err error) {
	b, err := v.small(firewalldPolicy)
	if err != nil || b == nil {
		return r, err
	}
	var p policy
	if err := xml.Unmarshal(b, &p); err != nil {
		return rules{}, nil //nolint:nilerr // somebody has broken it: it is written again
	}
	for _, port := range p.Ports {
		r.ports = append(r.ports, port.Port)
	}
	for _, rule := range p.Rules {
		r.trusted = append(r.trusted, rule.Source.Address)
	}
	return r, nil
}

// live asks the kernel, which is quicker than firewalld itself. Without rules there need be no policy.
func (firewalld) live(v *view, r rules) (bool, error) {
	input, err := v.nftChain("firewalld", "filter_INPUT")
	if err != nil || input == "" {
		return false, err
	}
	chain, err := v.nftChain("firewalld", "filter_IN_policy_pigsync_allow")
	if err != nil {
		return false, err
	}
	now, known := nftRules(chain)
	return known && now.equal(r), nil
}

func richRule(network string) string {
	return fmt.Sprintf(`rule family="ipv%d" source address="%s" accept`, family(network), network)
}

func firewalldText(r rules) string {
	var b strings.Builder
	b.WriteString("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<policy priority=\"-100\" target=\"CONTINUE\">\n" +
		"  <short>pigsync</short>\n  <ingress-zone name=\"ANY\"/>\n  <egress-zone name=\"HOST\"/>\n")
	for _, port := range r.ports {
		fmt.Fprintf(&b, "  <port port=\"%d\" protocol=\"tcp\"/>\n", port)
	}
	for _, network := range r.trusted {
		fmt.Fprintf(&b, "  <rule family=\"ipv%d\"><source address=\"%s\"/><accept/></rule>\n", family(network), network)
	}
	b.WriteString("</policy>\n")
	return b.String()
}

// put keeps the policy, and brings it about. A policy that firewalld knows is changed as it runs; only one
// that it does not know takes a reload, by which it forgets what others have told it for now alone.
func (f firewalld) put(ctx context.Context, w *work, r rules) error {
	var err error
	if r.empty() {
		err = w.forget(firewalldPolicy)
	} else {
		err = w.ownFile(firewalldPolicy, firewalldText(r))
	}
	if err != nil {
		return err
	}
	if err := w.command(ctx, "firewall-offline-cmd", "--check-config"); err != nil {
		return err
	}
	if err := w.command(ctx, "systemctl", "enable", "--now", "firewalld"); err != nil {
		return err
	}
	if live, err := f.live(w.view, r); err != nil || live {
		return err
	}
	return f.steer(ctx, w, r)
}

func (f firewalld) steer(ctx context.Context, w *work, r rules) error {
	chain, err := w.nftChain("firewalld", "filter_IN_policy_pigsync_allow")
	if err != nil {
		return err
	}
	now, known := nftRules(chain)
	if chain == "" || !known || r.empty() {
		return w.command(ctx, "firewall-cmd", "--reload")
	}
	for _, option := range append(firewalldOptions("add", r, now), firewalldOptions("remove", now, r)...) {
		if err := w.command(ctx, "firewall-cmd", "--policy=pigsync", option); err != nil {
			return err
		}
	}
	return nil
}

// firewalldOptions are for what is in one set of rules and not in another.
func firewalldOptions(verb string, in, notIn rules) (options []string) {
	for _, network := range less(in.trusted, notIn.trusted) {
		options = append(options, "--"+verb+"-rich-rule="+richRule(network))
	}
	for _, port := range less(in.ports, notIn.ports) {
		options = append(options, fmt.Sprintf("--%s-port=%d/tcp", verb, port))
	}
	return options
}

func (firewalld) off(ctx context.Context, w *work) error {
	if err := w.forget(firewalldPolicy); err != nil {
		return err
	}
	return w.command(ctx, "systemctl", "disable", "--now", "firewalld")
}
