package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// What pgBackRest 2.45 and 2.55 were seen to say.
const (
	nothingKept = `[{"archive":[],"backup":[],"cipher":"none","db":[],"name":"pg","repo":[{"cipher":"none","key":1,"status":{"code":1,"message":"missing stanza path"}}],"status":{"code":1,"lock":{"backup":{"held":false}},"message":"missing stanza path"}}]`
	noBackup    = `[{"archive":[{"database":{"id":1,"repo-key":1},"id":"15-1","max":null,"min":null}],"backup":[],"cipher":"aes-256-cbc","db":[{"id":1,"repo-key":1,"system-id":7710746406472543379,"version":"15"}],"name":"pg","repo":[{"cipher":"aes-256-cbc","key":1,"status":{"code":2,"message":"no valid backups"}}],"status":{"code":2,"lock":{"backup":{"held":false}},"message":"no valid backups"}}]`
	underWay    = `[{"archive":[{"database":{"id":1,"repo-key":1},"id":"15-1","max":"000000010000000000000001","min":"000000010000000000000001"}],"backup":[],"cipher":"aes-256-cbc","db":[{"id":1,"repo-key":1,"system-id":7710746406472543379,"version":"15"}],"name":"pg","repo":[{"cipher":"aes-256-cbc","key":1,"status":{"code":2,"message":"no valid backups"}}],"status":{"code":2,"lock":{"backup":{"held":true,"size":200,"size-cplt":86}},"message":"no valid backups"}}]`
	oneBackup   = `[{"archive":[{"database":{"id":1,"repo-key":1},"id":"15-1","max":"000000010000000000000003","min":"000000010000000000000001"}],"backup":[{"archive":{"start":"000000010000000000000002","stop":"000000010000000000000003"},"backrest":{"format":5,"version":"2.45"},"database":{"id":1,"repo-key":1},"error":false,"info":{"delta":22992590,"repository":{"delta":3069504,"size":3069504},"size":22992590},"label":"20261121-215423F","lsn":{"start":"0/2000028","stop":"0/3000088"},"prior":null,"reference":null,"timestamp":{"start":1795298063,"stop":1795298078},"type":"full"}],"cipher":"aes-256-cbc","db":[{"id":1,"repo-key":1,"system-id":7710746406472543379,"version":"15"}],"name":"pg","repo":[{"cipher":"aes-256-cbc","key":1,"status":{"code":0,"message":"ok"}}],"status":{"code":0,"lock":{"backup":{"held":false}},"message":"ok"}}]`
	wrongCipher = `[{"archive":[],"backup":[],"cipher":"aes-256-cbc","db":[],"name":"pg","repo":[{"cipher":"aes-256-cbc","key":1,"status":{"code":99,"message":"[FormatError] unable to load info file '/r/backup/pg/backup.info' or '/r/backup/pg/backup.info.copy':\nFormatError: key/value found outside of section at line 1: ???\nHINT: has a stanza-create been performed?"}}],"status":{"code":99,"lock":{"backup":{"held":false}},"message":"other"}}]`
	unreachable = `[{"archive":[],"backup":[],"cipher":"aes-256-cbc","db":[],"name":"pg","repo":[{"cipher":"aes-256-cbc","key":1,"status":{"code":99,"message":"[HostConnectError] unable to connect to '127.0.0.1:9': [111] Connection refused\n    [HostConnectError] on 6 retries from 120-2001ms: unable to connect"}}],"status":{"code":99,"lock":{"backup":{"held":false}},"message":"other"}}]`
	system      = "7710746406472543379"
)

// repository plays pgBackRest; leader plays Patroni beside it.
type repository struct {
	says  []string // to info, one after the other; the last one stays
	calls []string
	fail  map[string]string // by command, what it says before it fails
	slow  chan struct{}     // a backup lasts until it is closed; nil: no time
	conf  []byte
}

func (r *repository) run(_ context.Context, user string, _ bool, argv ...string) ([]byte, error) {
	command := argv[len(argv)-1]
	if user != "postgres" || argv[0] != backrest || argv[1] != "--stanza=pg" {
		return nil, errors.New("called otherwise: " + strings.Join(argv, " "))
	}
	if command == "info" {
		out := r.says[0]
		if len(r.says) > 1 {
			r.says = r.says[1:]
		}
		return []byte(out), nil
	}
	r.calls = append(r.calls, strings.Join(slices.DeleteFunc(slices.Clone(argv[2:]), func(a string) bool { return strings.HasPrefix(a, "--log-") }), " "))
	if command == "backup" && r.slow != nil {
		<-r.slow
	}
	if out, fails := r.fail[command]; fails {
		return []byte(out), errors.New("exit status 28")
	}
	return nil, nil
}

func (r *repository) read(path string) ([]byte, error) {
	switch {
	case path == BackrestConf:
		return r.conf, nil
	case strings.HasSuffix(path, "/PG_VERSION"):
		return []byte("15\n"), nil
	case strings.HasSuffix(path, "/pg_control"):
		return binary.NativeEndian.AppendUint64(nil, 7710746406472543379), nil
	}
	return nil, nil
}

// look is one by a member that leads, or follows.
func (r *repository) look(t *testing.T, role string) *Look {
	patroni := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"state":"running","role":"` + role + `","server_version":150000,"patroni":{"scope":"pg"}}`))
	}))
	t.Cleanup(patroni.Close)
	seat := Seat{Cluster: "pg", PGSeat: resource.PGSeat{Instance: "pg-1", Node: "n1", DBSU: "postgres", Data: "/pg/data", REST: patroni.URL}}
	return new(Hand).Look(t.Context(), seat, Node{Read: r.read, Run: r.run}, nil)
}

var (
	ownStanza    = resource.PGOwnStanzaOf("pg-1", "n1")
	sharedStanza = resource.PGStanzaOf("pg")
	gate         = resource.ID{Kind: resource.KindPGRepo, Name: "pg-1", At: "n1"}
)

func TestWhatPgBackRestSays(t *testing.T) {
	t.Parallel()
	full := resource.PGSaved{Label: "20261121-215423F", Type: "full", Ended: time.Unix(1795298078, 0).UTC(), Sound: true}
	for said, want := range map[string]struct {
		stanza  resource.Spec
		taken   bool
		ready   bool
		trouble string
	}{
		nothingKept: {nil, false, true, ""},
		noBackup:    {resource.PGStanza{System: system, Major: 15}, false, false, ""},
		underWay:    {resource.PGStanza{System: system, Major: 15, PGKept: resource.PGKept{Busy: true, Percent: 43, Log: "000000010000000000000001"}}, true, false, ""},
		oneBackup:   {resource.PGStanza{System: system, Major: 15, PGKept: resource.PGKept{Backups: 1, Full: full, Last: full, Log: "000000010000000000000003"}}, true, false, ""},
		wrongCipher: {trouble: "another cipher_pass"},
		unreachable: {trouble: "Connection refused"},
		`[]`:        {nil, false, true, ""},
		`Segfault`:  {trouble: "cannot be read"},
	} {
		r := &repository{says: []string{said}, conf: []byte("x")}
		l := r.look(t, "master")
		for _, id := range []resource.ID{ownStanza, sharedStanza} {
			s, err := l.See(id)
			if s != want.stanza || (err == nil) != (want.trouble == "") || err != nil && !strings.Contains(err.Error(), want.trouble) {
				t.Errorf("%s: %+v, %v of %.200s", id, s, err, said)
			}
		}
		b, err := l.See(resource.PGBackupOf("pg"))
		if backup, _ := b.(resource.PGBackup); backup.Taken != want.taken || (err == nil) != (want.trouble == "") {
			t.Errorf("%+v, %v of %.200s", b, err, said)
		}
		g, err := l.See(gate)
		if repo, _ := g.(resource.PGRepo); err != nil || repo.Ready != want.ready || !strings.Contains(repo.Why, want.trouble) || repo.Ready != (repo.Why == "") {
			t.Errorf("%+v, %v of %.200s", g, err, said)
		}
		if len(r.calls) > 0 {
			t.Errorf("a look did %q", r.calls)
		}
	}
}

func TestNobodyAsksPgBackRestBeforeItIsSetUp(t *testing.T) {
	t.Parallel()
	r := &repository{}
	l := r.look(t, "master")
	if s, err := l.See(ownStanza); s != nil || err != nil {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := l.See(resource.PGBackupOf("pg")); s != (resource.PGBackup{}) || err != nil {
		t.Errorf("%+v, %v", s, err)
	}
	if s, _ := l.See(gate); s.(resource.PGRepo).Ready {
		t.Error("the gate is open")
	}
}

func TestFollowersAreNotAskedForTheSharedRepository(t *testing.T) {
	t.Parallel()
	l := (&repository{says: []string{oneBackup}, conf: []byte("x")}).look(t, "replica")
	if _, err := l.See(sharedStanza); !errors.Is(err, ErrElsewhere) {
		t.Errorf("got %v", err)
	}
	if s, err := l.See(ownStanza); err != nil || s == nil {
		t.Errorf("of its own it says %+v, %v", s, err)
	}
}

func stanzaStep(want, have resource.Spec) diff.Change {
	c := diff.Change{Resource: resource.Resource{ID: ownStanza, Spec: want}, Action: diff.Create, Have: have}
	if have != nil {
		c.Action = diff.Update
	}
	return c
}

func TestAPlaceIsMadeAndNeverTakenOver(t *testing.T) {
	t.Parallel()
	want := resource.PGStanza{System: system}
	for role, call := range map[string]string{"master": "stanza-create", "replica": "--no-online stanza-create"} {
		r := &repository{says: []string{nothingKept}, conf: []byte("x")}
		if err := r.look(t, role).Apply(stanzaStep(want, nil), nil); err != nil || !slices.Equal(r.calls, []string{call}) {
			t.Errorf("%s: %v after %q", role, err, r.calls)
		}
	}
	for name, c := range map[string]diff.Change{
		"is neither given to it nor emptied": stanzaStep(resource.PGStanza{System: "1"}, resource.PGStanza{System: system}),
		"are of the cluster with":            stanzaStep(resource.PGStanza{System: "1"}, nil),
		"never removed":                      {Resource: resource.Resource{ID: ownStanza, Spec: want}, Action: diff.Delete, Have: want},
	} {
		r := &repository{says: []string{noBackup}, conf: []byte("x")}
		if err := r.look(t, "master").Apply(c, c.Have); err == nil || !strings.Contains(err.Error(), name) || r.calls != nil {
			t.Errorf("%s: %v after %q", name, err, r.calls)
		}
	}
	r := &repository{says: []string{nothingKept}, conf: []byte("x"), fail: map[string]string{"stanza-create": "P00   WARN: x\nP00  ERROR: [028]: backup and archive info files exist but do not match the database\n   HINT: y\n"}}
	if err := r.look(t, "master").Apply(stanzaStep(want, nil), nil); err == nil || err.Error() != "pgbackrest stanza-create: [028]: backup and archive info files exist but do not match the database" {
		t.Errorf("it failed with %v", err)
	}
}

func TestTheFirstBackupIsProvedAndTold(t *testing.T) {
	t.Parallel()
	c := diff.Change{Resource: resource.Resource{ID: resource.PGBackupOf("pg"), Spec: resource.PGBackup{Taken: true}}, Action: diff.Update, Have: resource.PGBackup{}}
	r := &repository{says: []string{noBackup}, conf: []byte("x")}
	if err := r.look(t, "master").Apply(c, c.Have); err != nil || !slices.Equal(r.calls, []string{"--archive-timeout=60 check", "--type=full backup"}) {
		t.Errorf("%v after %q", err, r.calls)
	}
	r = &repository{says: []string{noBackup}, conf: []byte("x"), fail: map[string]string{"check": "ERROR: [082]: WAL segment was not archived before the 60000ms timeout\n"}}
	if err := r.look(t, "master").Apply(c, c.Have); err == nil || !strings.Contains(err.Error(), "was not archived") || len(r.calls) != 1 {
		t.Errorf("%v after %q", err, r.calls)
	}
}

// The last backup is one more of those there are; without it the last member is not stopped.
func TestTheLastBackup(t *testing.T) {
	t.Parallel()
	r := &repository{says: []string{oneBackup}, conf: []byte("x")}
	if err := r.look(t, "master").LastBackup(); err != nil || !slices.Equal(r.calls, []string{"--type=incr backup"}) {
		t.Errorf("%v after %q", err, r.calls)
	}
	r = &repository{says: []string{oneBackup}, conf: []byte("x"), fail: map[string]string{"backup": "ERROR: [050]: unable to acquire lock\n"}}
	if err := r.look(t, "master").LastBackup(); err == nil || err.Error() != "the last backup: pgbackrest backup: [050]: unable to acquire lock" {
		t.Errorf("got %v", err)
	}
}

// Whoever goes away leaves the backup at work.
func TestABackupOutlivesItsAsker(t *testing.T) {
	t.Parallel()
	r := &repository{says: []string{underWay}, conf: []byte("x"), slow: make(chan struct{})}
	l := r.look(t, "master")
	ctx, cancel := context.WithCancel(t.Context())
	l.ctx = ctx
	cancel()
	if _, err := l.attend(make(chan error)); !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	close(r.slow)
}

func TestASilentRepositoryIsNotAskedInEveryLook(t *testing.T) {
	t.Parallel()
	r := &repository{says: []string{oneBackup}, conf: []byte("x")}
	l := r.look(t, "master")
	why := errors.New("not within 15 s")
	l.h.deaf = map[string]deaf{"pg": {time.Now().Add(time.Minute), why}}
	if _, err := l.See(ownStanza); !errors.Is(err, why) {
		t.Errorf("it was asked: %v", err)
	}
	if g, err := l.See(gate); err != nil || strings.Contains(g.(resource.PGRepo).Why, "not within") {
		t.Errorf("the gate did not ask: %+v, %v", g, err)
	}
	l.h.deaf["pg"] = deaf{time.Now().Add(-time.Minute), why}
	l.info = l.recallInfo
	if s, err := l.See(ownStanza); s == nil || err != nil || len(l.h.deaf) > 0 {
		t.Errorf("it was not asked again: %+v, %v, %v", s, err, l.h.deaf)
	}
}
