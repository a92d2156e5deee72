package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/pigsync/pigsync/resource"
)

const (
	// BackrestConf is what pgBackRest reads.
	BackrestConf = "/etc/pgbackrest/pgbackrest.conf"
	backrest     = "/usr/bin/pgbackrest"
	// infoTimeout is for a repository that does not answer: the rest of the node waits for it.
	infoTimeout = 15 * time.Second
	// ioTimeout is for one answer of an object store, in seconds, which pgBackRest waits for several times.
	ioTimeout = "1"
)

// ErrNoBackrest says that pgBackRest is not there, or has no configuration yet.
var ErrNoBackrest = errors.New("pgBackRest is not set up")

// The codes of pgBackRest for a place in a repository.
const (
	stanzaMissing    = 1 // nothing under that name
	stanzaIncomplete = 3 // something under that name, without what says what it is
	stanzaUnknown    = 99
)

// info is what pgBackRest says of a place in its repository.
type info struct {
	DB []struct {
		ID      int
		System  json.Number `json:"system-id"`
		Version json.Number
	}
	Archive []struct {
		Max      string
		Database struct{ ID int }
	}
	Backup []saved
	Repo   []struct{ Status said }
	Status said
}

type said struct {
	Code    int
	Message string
	Lock    struct {
		Backup struct {
			Held bool
			Size int64
			Done int64 `json:"size-cplt"`
		}
	}
}

type saved struct {
	Label, Type string
	Error       bool
	Database    struct{ ID int }
	Archive     struct{ Stop string }
	Timestamp   struct{ Stop int64 }
}

// silence is for how long a repository that did not answer is not asked again: it costs seconds each time.
const silence = 30 * time.Second

// deaf is what was heard of a repository that did not answer.
type deaf struct {
	until time.Time
	err   error
}

// recallInfo asks, unless the repository has just been silent.
func (l *Look) recallInfo() (info, error) {
	l.h.mu.Lock()
	d, known := l.h.deaf[l.seat.Cluster]
	l.h.mu.Unlock()
	if known && time.Now().Before(d.until) {
		return info{}, d.err
	}
	began := time.Now()
	i, err := l.askInfo()
	l.h.mu.Lock()
	defer l.h.mu.Unlock()
	delete(l.h.deaf, l.seat.Cluster)
	if err != nil && time.Since(began) > time.Second {
		if l.h.deaf == nil {
			l.h.deaf = map[string]deaf{}
		}
		l.h.deaf[l.seat.Cluster] = deaf{time.Now().Add(silence), err}
	}
	return i, err
}

// askInfo asks pgBackRest what it keeps of the cluster. It writes nothing.
func (l *Look) askInfo() (info, error) {
	conf, err := l.node.Read(BackrestConf)
	switch {
	case err != nil:
		return info{}, err
	case conf == nil:
		return info{}, ErrNoBackrest
	}
	ctx, cancel := context.WithTimeout(l.ctx, infoTimeout)
	defer cancel()
	out, err := l.backrest(ctx, false, "--output=json", "--log-level-console=off", "--log-level-stderr=error", "--io-timeout="+ioTimeout, "info")
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, exec.ErrNotFound):
		return info{}, ErrNoBackrest
	case ctx.Err() != nil && l.ctx.Err() == nil:
		return info{}, fmt.Errorf("the repository of pgBackRest has not answered within %s", infoTimeout)
	case err != nil:
		return info{}, lament("info")(out, err)
	}
	return readInfo(out)
}

// backrest runs pgBackRest as the database account.
func (l *Look) backrest(ctx context.Context, whole bool, args ...string) ([]byte, error) {
	if l.node.Run == nil {
		return nil, ErrNoBackrest
	}
	return l.node.Run(ctx, l.seat.DBSU, whole, append([]string{backrest, "--stanza=" + l.seat.Cluster}, args...)...)
}

// readInfo reads an answer; what pgBackRest could not find out is an error with its reason.
func readInfo(out []byte) (info, error) {
	var all []info
	if err := json.Unmarshal(out, &all); err != nil || len(all) > 1 {
		return info{}, errors.New("the answer of pgBackRest cannot be read")
	}
	if len(all) == 0 {
		return info{Status: said{Code: stanzaMissing}}, nil
	}
	if i := all[0]; i.Status.Code >= stanzaUnknown {
		return i, errors.New(i.trouble())
	}
	return all[0], nil
}

// trouble is why nothing can be said of a repository, on one line.
func (i info) trouble() string {
	why := i.Status.Message
	for _, r := range i.Repo {
		if r.Status.Code >= stanzaUnknown {
			why = r.Status.Message
			break
		}
	}
	why, _, _ = strings.Cut(why, "\n")
	if strings.Contains(why, "unable to load info file") || strings.Contains(why, "CryptoError") {
		return "the repository of pgBackRest cannot be read: is it ciphered with another cipher_pass? " + why
	}
	return "the repository of pgBackRest does not answer: " + why
}

// exists tells whether there is a place of the cluster.
func (i info) exists() bool {
	return i.Status.Code != stanzaMissing && i.Status.Code != stanzaIncomplete && len(i.DB) > 0
}

// stanza is the place as it is now: of the last system that it was made for.
func (i info) stanza() resource.PGStanza {
	var s resource.PGStanza
	last := 0
	for _, d := range i.DB {
		if d.ID > last {
			last, s.System, s.Major = d.ID, d.System.String(), major(d.Version.String())
		}
	}
	s.PGKept = i.kept(last)
	return s
}

func major(version string) (n int) {
	_, _ = fmt.Sscanf(version, "%d", &n) // 0 where it is no number
	return n
}

func (i info) kept(id int) resource.PGKept {
	lock := i.Status.Lock.Backup
	k := resource.PGKept{Busy: lock.Held}
	if lock.Held && lock.Size > 0 {
		k.Percent = int(100 * lock.Done / lock.Size)
	}
	for _, a := range i.Archive {
		if a.Database.ID == id {
			k.Log = max(k.Log, a.Max)
		}
	}
	backups := slices.DeleteFunc(slices.Clone(i.Backup), func(b saved) bool { return b.Database.ID != id })
	slices.SortFunc(backups, func(a, b saved) int { return int(a.Timestamp.Stop - b.Timestamp.Stop) })
	k.Backups = len(backups)
	for _, b := range backups {
		k.Last = resource.PGSaved{Label: b.Label, Type: b.Type, Ended: time.Unix(b.Timestamp.Stop, 0).UTC(), Sound: !b.Error && b.Archive.Stop <= k.Log}
		if b.Type == "full" {
			k.Full = k.Last
		}
	}
	return k
}
