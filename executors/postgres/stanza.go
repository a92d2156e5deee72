package postgres

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// seeStanza is absent where the repository was reached, or is not set up, and has nothing of the cluster.
func (l *Look) seeStanza() (resource.Spec, error) {
	i, err := l.info()
	switch {
	case errors.Is(err, ErrNoBackrest):
		return nil, nil
	case err != nil:
		return nil, err
	case !i.exists():
		return nil, nil
	}
	return i.stanza(), nil
}

// seeBackup is what the leader's repository holds, also where that is nothing.
func (l *Look) seeBackup() (resource.Spec, error) {
	i, err := l.info()
	switch {
	case errors.Is(err, ErrNoBackrest):
		return resource.PGBackup{}, nil
	case err != nil:
		return nil, err
	}
	kept := i.stanza().PGKept
	return resource.PGBackup{Taken: kept.Full.Label != "" || kept.Busy, PGKept: kept}, nil
}

// seeRepo is the gate of a repository before a cluster is made.
func (l *Look) seeRepo() (resource.Spec, error) {
	i, err := l.askInfo() // whoever waits here wants to know it now
	switch {
	case err != nil:
		return resource.PGRepo{Why: err.Error()}, nil
	case i.exists():
		return resource.PGRepo{Why: fmt.Sprintf("it keeps backups under the name %s of the cluster with the system identifier %s, which is not the one to be made: restore that one, or give another path",
			l.seat.Cluster, i.stanza().System)}, nil
	}
	return resource.PGRepo{Ready: true}, nil
}

// applyStanza makes the place of the cluster, and nothing else ever: what is there is neither removed nor
// given to another cluster.
func (l *Look) applyStanza(c diff.Change, want resource.PGStanza) error {
	d, err := l.onDisk()
	have, there := c.Have.(resource.PGStanza)
	switch {
	case err != nil:
		return err
	case c.Action == diff.Delete:
		return errors.New("backups are never removed")
	case there:
		return fmt.Errorf("the repository keeps the backups of the cluster with the system identifier %s, and this one is %s: it is neither given to it nor emptied; restore that cluster, or give another path", have.System, want.System)
	case want.System != "" && d.system != want.System:
		return fmt.Errorf("the data here are of the cluster with the system identifier %s, not %s", d.system, want.System)
	}
	args := []string{"stanza-create"}
	if l.leads() != nil {
		args = []string{"--no-online", "stanza-create"}
	}
	return l.toRepository(stanzaPatience, args...)
}

const (
	stanzaPatience = 90 * time.Second
	checkPatience  = 2 * time.Minute
	backupPatience = time.Minute // for its end; what lasts longer goes on by itself
	backupTell     = 10 * time.Second
)

// toRepository runs a command that changes something, and quotes it when it fails.
func (l *Look) toRepository(patience time.Duration, args ...string) error {
	ctx, cancel := context.WithTimeout(l.ctx, patience)
	defer cancel()
	return lament(args[len(args)-1])(l.backrest(ctx, true, append([]string{"--log-level-console=warn", "--log-level-stderr=off"}, args...)...))
}

// lament makes an error of what a command said.
func lament(command string) func([]byte, error) error {
	return func(out []byte, err error) error {
		if err == nil {
			return nil
		}
		var words []string
		for line := range bytes.Lines(out) {
			if _, after, ok := strings.Cut(string(line), "ERROR: "); ok {
				words = append(words, strings.TrimSpace(after))
			}
		}
		if words == nil {
			return fmt.Errorf("pgbackrest %s: %w", command, err)
		}
		return fmt.Errorf("pgbackrest %s: %s", command, strings.Join(words, "; "))
	}
}

// applyBackup takes the first full backup, once it has been proved that the write-ahead log arrives. It is
// waited for a minute: one that lasts longer goes on by itself, also when the asker has gone, and is seen to
// be under way.
func (l *Look) applyBackup(c diff.Change) error {
	if c.Action == diff.Delete {
		return errors.New("backups are never removed")
	}
	if err := l.proved(); err != nil {
		return err
	}
	if done, err := l.backup("full"); err != nil || done {
		return err
	}
	l.tell("the first full backup goes on by itself", "stanza", l.seat.Cluster)
	return nil
}

// otherArchive is pgBackRest's code for a server whose archive_command is not its own.
const otherArchive = "[068]"

// proved lets pgBackRest follow a segment into the repository. A server that does not archive to it may not have heard
// yet: Patroni may have been told just now.
func (l *Look) proved() error {
	var failed error
	vain := l.await("the server does not archive", func(context.Context) (bool, error) {
		failed = l.toRepository(checkPatience, "--archive-timeout=60", "check")
		return failed == nil || !strings.Contains(failed.Error(), otherArchive), failed
	})
	return cmp.Or(vain, failed)
}

// LastBackup saves what a cluster has become since the backup before, when its last member is about to stop.
func (l *Look) LastBackup() error {
	done, err := l.backup("incr")
	switch {
	case err != nil:
		return fmt.Errorf("the last backup: %w", err)
	case !done:
		return errors.New("the last backup is still under way")
	}
	return nil
}

// backup takes one. It is not done when it takes longer than we wait: then it goes on by itself.
func (l *Look) backup(kind string) (done bool, err error) {
	ended := make(chan error, 1)
	go func() {
		ended <- lament("backup")(l.backrest(context.WithoutCancel(l.ctx), true, "--log-level-console=warn", "--log-level-stderr=off", "--type="+kind, "backup"))
	}()
	return l.attend(ended)
}

// attend waits for the end of a backup, and tells how far it is.
func (l *Look) attend(ended <-chan error) (done bool, err error) {
	tick := time.NewTicker(backupTell)
	defer tick.Stop()
	enough := time.NewTimer(backupPatience)
	defer enough.Stop()
	for {
		select {
		case err := <-ended:
			return err == nil, err
		case <-l.ctx.Done():
			return false, l.ctx.Err()
		case <-enough.C:
			return false, nil
		case <-tick.C:
			if i, err := l.askInfo(); err == nil {
				l.tell("a backup is under way", "stanza", l.seat.Cluster, "percent", i.stanza().Percent)
			}
		}
	}
}

func (l *Look) tell(what string, about ...any) {
	if l.Tell != nil {
		l.Tell(what, about...)
	}
}
