package minio

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// builtin are the policies that every store has.
var builtin = []string{"consoleAdmin", "diagnostics", "readonly", "readwrite", "writeonly"}

var bucketName = regexp.MustCompile(`\A[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\z`)

var errBucketName = errors.New("want a name of 3 to 63 small letters, digits, hyphens and dots that begins and ends with a letter or digit")

// bucket says why the store would refuse a name.
func bucket(name string) error {
	_, err := netip.ParseAddr(name)
	if !bucketName.MatchString(name) || strings.Contains(name, "..") || strings.Contains(name, ".-") || strings.Contains(name, "-.") || err == nil {
		return errBucketName
	}
	return nil
}

func (m *member) checkBuckets() {
	seen := map[string]int{}
	for i, b := range m.vars.Buckets {
		at := fmt.Sprintf("minio_buckets[%d].name", i)
		if err := bucket(b.Name); err != nil {
			m.Errorf(m.bound.Pos(at), CodeBucket, "%s: %v, got %q", at, err, b.Name)
		}
		if j, again := seen[b.Name]; again {
			m.Errorf(m.bound.Pos(at), CodeBucket, "%s: %s is already minio_buckets[%d]", at, b.Name, j)
		}
		seen[b.Name] = i
	}
}

// The lengths that a store wants of keys at least.
const (
	shortestAccess = 3
	shortestSecret = 8
)

func (m *member) checkUsers() {
	m.checkAdmin()
	if !m.bound.Has("minio_users") {
		return
	}
	seen := map[string]int{}
	for i, u := range m.vars.Users {
		at := fmt.Sprintf("minio_users[%d]", i)
		m.checkKeys(at, u)
		if j, again := seen[u.AccessKey]; again {
			m.Errorf(m.bound.Pos(at+".access_key"), CodeUser, "%s.access_key: %s is already minio_users[%d]", at, u.AccessKey, j)
		}
		seen[u.AccessKey] = i
		m.checkPolicy(at, u)
	}
}

func (m *member) checkKeys(at string, u User) {
	if len(u.AccessKey) < shortestAccess {
		m.Errorf(m.bound.Pos(at+".access_key"), CodeUser, "%s.access_key: want at least %d characters", at, shortestAccess)
	}
	if len(u.SecretKey.Reveal()) < shortestSecret {
		m.Errorf(m.bound.Pos(at+".secret_key"), CodeUser, "%s.secret_key: want at least %d characters", at, shortestSecret)
	}
	if u.AccessKey == m.vars.AccessKey {
		m.Errorf(m.bound.Pos(at+".access_key"), CodeUser, "%s.access_key: %s is the administrator, whom minio_access_key names", at, u.AccessKey)
	}
}

func (m *member) checkAdmin() {
	if len(m.vars.AccessKey) < shortestAccess {
		m.Errorf(m.bound.Pos("minio_access_key"), CodeUser, "minio_access_key: want at least %d characters", shortestAccess)
	}
	if len(m.vars.SecretKey.Reveal()) < shortestSecret {
		m.Errorf(m.bound.Pos("minio_secret_key"), CodeUser, "minio_secret_key: want at least %d characters", shortestSecret)
	}
}

// checkPolicy wants a user's policies to be the store's own or those of its buckets. Others may
// have been made by hand.
func (m *member) checkPolicy(at string, u User) {
	for policy := range strings.SplitSeq(u.Policy, ",") {
		policy = strings.TrimSpace(policy)
		known := policy == "" || slices.Contains(builtin, policy) ||
			slices.ContainsFunc(m.vars.Buckets, func(b Bucket) bool { return b.Name == policy })
		if !known {
			m.Warnf(m.bound.Pos(at+".policy"), CodePolicy, "%s.policy: %s is neither one of minio_buckets nor a policy of the server", at, policy)
		}
	}
}
