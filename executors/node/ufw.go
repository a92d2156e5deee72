package node

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// ufwComment marks the rules that are ours.
const ufwComment = "pigsync"

// ufw gets rules that carry our comment.
type ufw struct{}

func (ufw) name() string { return "ufw" }

func (ufw) installed(v *view) (bool, error) { return v.anyOf("/usr/sbin/ufw") }

func (ufw) on(v *view) (bool, error) {
	b, err := v.small("/etc/ufw/ufw.conf")
	if err != nil {
		return false, err
	}
	for line := range strings.Lines(string(b)) {
		if strings.EqualFold(strings.TrimSpace(line), "ENABLED=yes") {
			return true, nil
		}
	}
	return false, nil
}

func (u ufw) kept(v *view) (rules, error) {
	ours, _, err := u.tuples(v)
	return ours, err
}

// tuples reads the rules as ufw keeps them, in comments: ours, and those of others that say what ours
// might.
func (ufw) tuples(v *view) (ours, others rules, err error) {
	for _, file := range []string{"/etc/ufw/user.rules", "/etc/ufw/user6.rules"} {
		b, err := v.small(file)
		if err != nil {
			return ours, others, err
		}
		for line := range strings.Lines(string(b)) {
			rule, comment, ok := ufwTuple(line)
			switch {
			case !ok:
			case comment == ufwComment:
				ours = ours.and(rule)
			default:
				others = others.and(rule)
			}
		}
	}
	return ours.sorted(), others.sorted(), nil
}

func (r rules) and(o rules) rules {
	return rules{append(r.trusted, o.trusted...), append(r.ports, o.ports...)}
}

// ufwTuple reads "### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in comment=7069…": action, protocol,
// port and address here, port and address there, direction. ok is false for what is none of our sorts.
func ufwTuple(line string) (r rules, comment string, ok bool) {
	words, ok := strings.CutPrefix(strings.TrimSpace(line), "### tuple ### allow ")
	f := strings.Fields(words)
	if !ok || len(f) < 6 || len(f) > 7 || f[3] != "any" || f[5] != "in" || !anywhere(f[2]) {
		return r, "", false
	}
	if len(f) == 7 {
		text, err := hex.DecodeString(strings.TrimPrefix(f[6], "comment="))
		if err != nil {
			return r, "", false
		}
		comment = string(text)
	}
	port, err := strconv.Atoi(f[1])
	switch {
	case f[0] == "tcp" && err == nil && anywhere(f[4]):
		r.ports = []int{port}
	case f[0] == "any" && f[1] == "any":
		r.trusted = []string{prefix(f[4])}
	default:
		return r, "", false
	}
	return r, comment, true
}

func anywhere(network string) bool { return network == "0.0.0.0/0" || network == "::/0" }

// live asks the kernel whether every rule of ours is among those of the users.
func (u ufw) live(v *view, r rules) (bool, error) {
	for version, tool := range map[int]string{4: "iptables", 6: "ip6tables"} {
		if version == 6 && !u.six(v) {
			continue
		}
		chain := map[int]string{4: "ufw-user-input", 6: "ufw6-user-input"}[version]
		out, err := v.ask(tool, "-S")
		if err != nil && !errors.Is(err, exec.ErrNotFound) {
			return false, said(tool, []byte(out), err)
		}
		want := append(ufwLines(r, version, chain), "-A INPUT -j "+strings.Replace(chain, "user", "before", 1))
		have := strings.Split(out, "\n")
		if !slices.ContainsFunc(want, func(line string) bool { return !slices.Contains(have, line) }) {
			continue
		}
		return false, nil
	}
	return true, nil
}

// six tells whether ufw minds IPv6 as well.
func (ufw) six(v *view) bool {
	b, err := v.small("/etc/default/ufw")
	return err == nil && strings.Contains(strings.ToLower(string(b)), "\nipv6=yes")
}

func ufwLines(r rules, version int, chain string) (lines []string) {
	for _, network := range r.trusted {
		if family(network) == version {
			lines = append(lines, fmt.Sprintf("-A %s -s %s -j ACCEPT", chain, network))
		}
	}
	for _, port := range r.ports {
		lines = append(lines, fmt.Sprintf("-A %s -p tcp -m tcp --dport %d -j ACCEPT", chain, port))
	}
	return lines
}

// put adds what is missing, then takes what is not wanted any more, so that nothing is closed meanwhile.
func (u ufw) put(ctx context.Context, w *work, r rules) error {
	if err := u.exactly(ctx, w, r); err != nil {
		return err
	}
	on, err := u.on(w.view)
	if err == nil && !on {
		return w.command(ctx, "ufw", "--force", "enable")
	}
	if err != nil {
		return err
	}
	if live, err := u.live(w.view, r); err != nil || live {
		return err
	}
	return w.command(ctx, "ufw", "reload")
}

// exactly makes our rules those of r. A rule that somebody had made before us loses our comment only.
func (u ufw) exactly(ctx context.Context, w *work, r rules) error {
	ours, others, err := u.tuples(w.view)
	if err != nil {
		return err
	}
	taken, err := w.taken(ufwWords(r.but(ours)), ufwWords(others))
	if err != nil {
		return err
	}
	for _, words := range ufwWords(r.but(ours)) {
		argv := append(append([]string{"ufw", "allow"}, strings.Fields(words)...), "comment", ufwComment)
		if err := w.command(ctx, argv...); err != nil {
			return err
		}
	}
	for _, words := range ufwWords(ours.but(r)) {
		argv := []string{"ufw", "--force", "delete", "allow"}
		if slices.Contains(taken, words) {
			argv = []string{"ufw", "allow"}
		}
		if err := w.command(ctx, append(argv, strings.Fields(words)...)...); err != nil {
			return err
		}
	}
	return nil
}

// taken remembers which of the rules that we are to make others had made before us, and gives all such.
func (w *work) taken(ours, others []string) ([]string, error) {
	s, err := w.firewallStamp()
	if err != nil {
		return nil, err
	}
	both := less(ours, less(ours, others))
	if len(both) == 0 {
		return s.Taken, nil
	}
	s.Taken = slices.Compact(slices.Sorted(slices.Values(append(s.Taken, both...))))
	return s.Taken, w.putStamp(firewallKind, "node", s)
}

// but is what is in r and not in o.
func (r rules) but(o rules) rules {
	return rules{less(r.trusted, o.trusted), less(r.ports, o.ports)}
}

// less is what is in a list and not in another.
func less[T comparable](in, notIn []T) (out []T) {
	for _, x := range in {
		if !slices.Contains(notIn, x) {
			out = append(out, x)
		}
	}
	return out
}

// ufwWords are rules as the command takes them.
func ufwWords(r rules) (words []string) {
	for _, network := range r.trusted {
		words = append(words, "from "+network)
	}
	for _, port := range r.ports {
		words = append(words, fmt.Sprintf("%d/tcp", port))
	}
	return words
}

// off takes our rules as well: who switches ufw on again gets what others have asked of it.
func (u ufw) off(ctx context.Context, w *work) error {
	if err := w.command(ctx, "ufw", "--force", "disable"); err != nil {
		return err
	}
	return u.exactly(ctx, w, rules{})
}
