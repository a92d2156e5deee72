package notation

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Host is a line of a hosts file. A blank line or a comment has neither address nor names.
type Host struct {
	Addr  netip.Addr
	Names []string
}

// What is wrong with a line of a hosts file.
var (
	ErrHostAddr  = errors.New("want an address and its names, the address first")
	ErrHostNames = errors.New("want an address and its names, but there is no name")
)

// ParseHost reads a line of a hosts file.
func ParseHost(line string) (Host, error) {
	text, _, _ := strings.Cut(line, "#")
	words := strings.Fields(text)
	if len(words) == 0 {
		return Host{}, nil
	}
	addr, err := netip.ParseAddr(words[0])
	if err != nil {
		return Host{}, ErrHostAddr
	}
	if len(words) == 1 {
		return Host{}, ErrHostNames
	}
	return Host{addr, words[1:]}, nil
}

var errTimeSource = errors.New(`want a line of chrony such as "server 10.0.0.1 iburst" or "pool pool.ntp.org iburst"`)

// TimeSource says why chrony would not take the time from a line; nil when it would.
func TimeSource(line string) error {
	words := strings.Fields(line)
	if len(words) == 0 || words[0][0] == '#' {
		return nil
	}
	switch strings.ToLower(words[0]) {
	case "refclock":
		return nil
	case "server", "pool", "peer":
	default:
		return errTimeSource
	}
	if len(words) < 2 {
		return errTimeSource
	}
	if _, err := netip.ParseAddr(words[1]); err == nil || len(Placeholders(words[1])) > 0 {
		return nil
	}
	if err := HostName(words[1]); err != nil {
		return fmt.Errorf("the server's name %w", err)
	}
	return nil
}

var errResolver = errors.New("want the address of a resolver")

// Resolver says why a text is no line of nameservers: it is an address, and never a name.
func Resolver(text string) error {
	addr, zone, _ := strings.Cut(strings.TrimSpace(text), "%")
	if _, err := netip.ParseAddr(addr); err != nil || strings.ContainsAny(zone, " \t") {
		return errResolver
	}
	return nil
}

var errResolvOption = errors.New("want a line of resolv.conf that begins with options, search, domain or sortlist")

// ResolvOption says why a text is none of the other lines of resolv.conf.
func ResolvOption(line string) error {
	words := strings.Fields(line)
	if len(words) > 1 && slices.Contains([]string{"options", "search", "domain", "sortlist"}, words[0]) {
		return nil
	}
	return errResolvOption
}

// What is wrong with a public key.
var (
	ErrKeyPrivate = errors.New("is a private key: want the public one, and make a new pair, as everybody who can read this has this one now")
	ErrKeyForm    = errors.New(`want a public key such as "ssh-ed25519 AAAA… name"`)
)

var keyTypes = []string{
	"ssh-ed25519", "ssh-rsa", "ssh-dss", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
	"sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
}

// PublicKey says why a text is no line of authorized_keys.
func PublicKey(line string) error {
	if strings.Contains(line, "PRIVATE KEY") {
		return ErrKeyPrivate
	}
	words := strings.Fields(line)
	for i, w := range words {
		if isKeyType(w) && i+1 < len(words) && strings.HasPrefix(words[i+1], "AAAA") {
			return nil
		}
	}
	return ErrKeyForm
}

func isKeyType(word string) bool {
	return slices.Contains(keyTypes, strings.TrimSuffix(word, "-cert-v01@openssh.com"))
}
