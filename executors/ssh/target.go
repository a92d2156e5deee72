package ssh

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os/user"
	"strconv"
	"strings"
	"time"
)

// Target says how a node is reached. It is comparable: the pool holds one connection for each.
type Target struct {
	Host    string // address to dial, and the name looked up in known_hosts
	Port    int    // 0 means 22
	User    string // "" means the user this process runs as
	KeyFile string // the only key to try; "" means the agent and the pool's key files
	Jump    string // "user@host:port" to go through, user and port optional; "" for none; KeyFile counts there too
}

// Config is what all connections of a pool have in common.
type Config struct {
	KnownHosts  []string      // files, read anew at each dial; one that does not exist holds nothing
	KeyFiles    []string      // default identities, tried before those of the agent; missing ones are skipped
	AgentSocket string        // unix socket of an agent, "" for none
	DialTimeout time.Duration // for connecting, key exchange and login together; 0 means 10 s
	KeepAlive   time.Duration // how often a silent peer is asked whether it lives; 0 means 5 s

	// HelperPath says where the helper for an architecture is on this machine. Nil, or an
	// error, means that there is none (ErrNoHelper).
	HelperPath func(goos, goarch string) (path string, err error)

	Log *slog.Logger // nil discards
}

const (
	defaultPort = 22
	// dialTimeout is generous for a login over a slow line with a slow resolver on the node,
	// and short enough that a dead node does not hold up a round.
	dialTimeout = 10 * time.Second
	// keepAlive times silentFor is how long a dead peer goes unnoticed, 15 s: longer than a
	// failover of a router, shorter than a person's patience. A power cut sends no RST, so
	// nothing else would tell before TCP gives up, after a quarter of an hour.
	keepAlive = 5 * time.Second
	silentFor = 3
)

func (c Config) withDefaults() Config {
	if c.DialTimeout <= 0 {
		c.DialTimeout = dialTimeout
	}
	if c.KeepAlive <= 0 {
		c.KeepAlive = keepAlive
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// normal spells out the defaults, so that two spellings of one target share a connection.
func (t Target) normal() (Target, error) {
	t.Host = strings.ToLower(t.Host)
	if t.Port == 0 {
		t.Port = defaultPort
	}
	if t.Host == "" || strings.ContainsAny(t.Host, " \t\r\n/[]@,") || t.Port < 1 || t.Port > 65535 {
		return t, &Error{Host: fmt.Sprintf("%q", t.Host), Kind: errBadTarget, Err: errors.New("want a host and a port in 1..65535")}
	}
	if t.User == "" {
		me, err := user.Current()
		if err != nil {
			return t, &Error{Host: t.name(), Kind: errBadTarget, Detail: "find the current user", Err: err}
		}
		t.User = me.Username
	}
	return t, nil
}

// jump gives the target of the jump host; ok is false when there is none.
func (t Target) jump() (via Target, ok bool, err error) {
	if t.Jump == "" {
		return Target{}, false, nil
	}
	name, host := "", t.Jump
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		name, host = host[:i], host[i+1:]
	}
	via = Target{Host: strings.Trim(host, "[]"), User: name, KeyFile: t.KeyFile}
	if h, port, splitErr := net.SplitHostPort(host); splitErr == nil {
		via.Host = h
		if via.Port, err = strconv.Atoi(port); err != nil {
			return Target{}, false, &Error{Host: t.name(), Kind: errBadTarget, Detail: fmt.Sprintf("jump host %q", t.Jump), Err: err}
		}
	}
	via, err = via.normal()
	return via, err == nil, err
}

func (t Target) addr() string { return net.JoinHostPort(t.Host, strconv.Itoa(t.Port)) }

// name is what errors and logs call the target.
func (t Target) name() string {
	if t.Port == defaultPort || t.Port == 0 {
		return t.Host
	}
	return t.addr()
}
