package git

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/pigsync/pigsync/sources"
)

// Options says what to follow and how. URL and Dir are required, the rest has good zeros.
type Options struct {
	URL  string // https://…, ssh://…, user@host:path; file:///… or /… with AllowLocal
	Dir  string // where objects are kept; made when missing; one process, one directory
	Ref  string // a branch, else a tag; "refs/…" in full; a full commit hash; "" means the remote's HEAD
	Path string // the directory of the repository that is the inventory's root; "" means all of it
	// Versions follows tags instead of Ref: the highest version that this constraint takes, such as ">=1.4 <2".
	Versions string

	// Mirrors are asked, in this order, while the repository at URL gives no answer.
	Mirrors []Remote

	// PushTo is where branches are pushed, and as whom; nil is URL, as whoever fetches. Without a URL it is URL.
	PushTo *Remote

	Interval time.Duration // between two looks at the remote, give or take a tenth; 0 means one minute
	Timeout  time.Duration // for one look, all of it; 0 means two minutes

	AllowLocal  bool // take a repository on this machine
	AllowRewind bool // take a head that does not contain the last one (after a forced push)

	Limits    sources.Limits // of a revision
	MaxPack   int64          // bytes fetched at once; 0 means 256 MiB
	MaxObject int64          // bytes of one object anywhere in the history; 0 means 64 MiB; empty Dir after raising it

	Credential Credential // for https; nil means that of the address, or none
	CAFile     string     // PEM certificates trusted for https besides the system's

	KeyFile    string // private ssh key without passphrase
	Agent      bool   // use the ssh agent when there is no KeyFile
	KnownHosts string // required for ssh: the hosts' keys; there is no trust on first use

	Signer Signer // tells who signed a commit; nil: nobody agrees to anything by commit
	Signed bool   // refuse a head unless the Signer knows who signed each commit since the last one
}

// Remote is another way to the same repository, with the credentials and keys of its own.
type Remote struct {
	URL        string
	Credential Credential
	CAFile     string
	KeyFile    string
	KnownHosts string
}

// of are the options to reach a remote; what is followed and how much is taken stays.
func (r Remote) of(o Options) Options {
	o.URL, o.Credential, o.CAFile, o.KeyFile, o.KnownHosts, o.Mirrors, o.PushTo = r.URL, r.Credential, r.CAFile, r.KeyFile, r.KnownHosts, nil, nil
	return o
}

// pushing are the options to push there. Where it is the same server, whose keys and certificates are believed need
// not be said twice.
func (r Remote) pushing(o Options) Options {
	if r.URL == "" || r.URL == o.URL {
		r.URL, r.CAFile, r.KnownHosts = o.URL, cmp.Or(r.CAFile, o.CAFile), cmp.Or(r.KnownHosts, o.KnownHosts)
	}
	return r.of(o)
}

// Credential gives the name and password (or token) for https. It is asked before each fetch,
// so that a rotated one is found.
type Credential func(ctx context.Context) (user, password string, err error)

// maxSecret bounds a password file: longer is not a password.
const maxSecret = 64 << 10

// PasswordFile is a Credential whose password is the content of a file, without the line end.
func PasswordFile(user, path string) Credential {
	return func(context.Context) (string, string, error) {
		data, err := readSmall(path, maxSecret)
		if err != nil {
			return "", "", err
		}
		return user, strings.TrimRight(string(data), "\r\n"), nil
	}
}

// readSmall reads a file that has at most max bytes.
func readSmall(path string, max int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > max {
		return nil, fmt.Errorf("%s is not a file of at most %d bytes", path, max)
	}
	return os.ReadFile(path)
}

func (o Options) filled() Options {
	o.Limits = o.Limits.Filled()
	o.Interval = positive(o.Interval, time.Minute)
	o.Timeout = positive(o.Timeout, 2*time.Minute)
	o.MaxPack = positive(o.MaxPack, 256<<20)
	o.MaxObject = max(positive(o.MaxObject, 64<<20), o.Limits.File)
	if o.Path == "" {
		o.Path = "."
	}
	return o
}

func positive[T int64 | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

// check finds what is wrong with o and needs no repository to see.
func (o Options) check(a address) error {
	if o.Dir == "" {
		return errors.New("no directory given to keep the objects in")
	}
	if !fs.ValidPath(o.Path) {
		return fmt.Errorf("path %q must be relative, without . or .. in it", sources.Clean(o.Path, 120))
	}
	if err := checkRef(o.Ref); err != nil {
		return err
	}
	if err := checkVersions(o); err != nil {
		return err
	}
	if o.Signed && o.Signer == nil {
		return errors.New("every commit must be signed, but nobody's signature is known")
	}
	if a.scheme == "ssh" && o.KnownHosts == "" {
		return errors.New("ssh needs a known_hosts file with the key of " + a.host)
	}
	if a.scheme == "ssh" && o.KeyFile == "" && !o.Agent {
		return errors.New("ssh needs a key file or the agent")
	}
	return nil
}

// checkRef refuses what cannot be the name of a ref.
func checkRef(ref string) error {
	if ref == "" || isCommit(ref) {
		return nil
	}
	full := ref
	if !strings.HasPrefix(full, "refs/") {
		full = "refs/heads/" + ref
	}
	if strings.HasPrefix(ref, "-") || plumbing.ReferenceName(full).Validate() != nil {
		return fmt.Errorf("%q is not the name of a branch or tag", sources.Clean(ref, 120))
	}
	return nil
}

// isCommit reports whether ref is a full hash, and so a revision that never changes.
func isCommit(ref string) bool { return len(ref) == 40 && plumbing.IsHash(ref) }
