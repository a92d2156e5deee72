package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/resource"
)

const canary = "hunter2"

var noon = time.Unix(1_700_000_000, 0)

func picture(state reconcile.State, owner reconcile.State, drift bool) *reconcile.Status {
	step := diff.Step{Change: diff.Change{
		Resource: resource.Resource{ID: resource.ID{Kind: "file", Name: "/etc/a", At: "10.0.0.1"}, Owner: "etcd/etcd"}, Action: diff.Update,
		Fields: []resource.Field{{Path: "content", Have: "it is " + canary, Want: "new"}},
	}}
	s := &reconcile.Status{
		Inventory: "prod", State: state, Seen: noon, Revision: "c0ffee00c0ffee00", Author: "ann", Subject: "more", Drift: drift,
		Owners: []reconcile.OwnerStatus{{Owner: "etcd/etcd", State: owner}, {Owner: "node/10.0.0.1", State: reconcile.InSync}},
	}
	if state != reconcile.InSync {
		s.Plan = &diff.Plan{Steps: []diff.Step{step}, Mask: func(text string) string { return strings.ReplaceAll(text, canary, "(masked)") }}
	}
	return s
}

func headlines(notes []Note) (lines []string) {
	for _, n := range notes {
		lines = append(lines, headline(n))
	}
	return lines
}

// Each condition is told when it begins and when it is over, and not once more meanwhile.
func TestTransitionsAreTold(t *testing.T) {
	var m Memory
	refused := picture(reconcile.Rejected, reconcile.InSync, false)
	refused.Problems = []reconcile.Problem{{Place: "pigsty.yml:3:1", Severity: "error", Message: "no"}}
	away := picture(reconcile.InSync, reconcile.InSync, false)
	away.Fetch = "no route"
	newer := picture(reconcile.InSync, reconcile.InSync, false)
	newer.Revision = "beef"
	for i, tt := range []struct {
		seen *reconcile.Status
		want []string
	}{
		{&reconcile.Status{Inventory: "prod", State: reconcile.Starting}, nil},
		{picture(reconcile.InSync, reconcile.InSync, false), nil},
		{picture(reconcile.OnHold, reconcile.OnHold, true), []string{"prod: etcd/etcd has drifted", "prod: etcd/etcd waits for somebody"}},
		{picture(reconcile.OnHold, reconcile.OnHold, true), nil},
		{picture(reconcile.Failing, reconcile.Failing, true), []string{"prod: etcd/etcd does not converge", "prod: etcd/etcd waits for nobody any more"}},
		{picture(reconcile.InSync, reconcile.InSync, false), []string{"prod: etcd/etcd drifts no more", "prod: etcd/etcd fails no more"}},
		{refused, []string{"prod refuses its newest commit"}},
		{away, []string{"prod takes its newest commit", "prod cannot read its repository"}},
		{newer, []string{"prod has converged at beef by ann: more", "prod reads its repository again"}},
		{newer, nil},
	} {
		got := headlines(m.News(tt.seen))
		slices.Sort(got)
		slices.Sort(tt.want)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%d: got %q, want %q", i, got, tt.want)
		}
	}
}

// A note has the difference, the commit, its author, a link and the next step, and no secret.
func TestANoteSaysWhatToDo(t *testing.T) {
	var m Memory
	notes := m.News(picture(reconcile.OnHold, reconcile.OnHold, true))
	said := text(notes, 3, "https://g.example/d/x")
	for _, part := range []string{
		"3 earlier notes are lost", "~ file:/etc/a@10.0.0.1; content: it is (masked) → new", "commit: c0ffee00c0ff by ann: more",
		"next: pigsync approve ", "next: pigsync plan --name prod", "see: https://g.example/d/x?var-cluster=etcd&var-inventory=prod&var-module=etcd",
	} {
		if !strings.Contains(said, part) {
			t.Errorf("no %q in\n%s", part, said)
		}
	}
	if strings.Contains(said, canary) {
		t.Errorf("a secret is told:\n%s", said)
	}
	if long := text(slices.Repeat(notes, 20), 0, ""); strings.Count(long, "commit:") != shown || !strings.Contains(long, "and 30 more") {
		t.Errorf("of forty notes:\n%s", long)
	}
}

// While a sink is away for a day, notes wait, up to two hundred; then it is told how many are lost, in one message.
func TestASinkThatIsAwayForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var tries, lost, got int
		back := time.Now().Add(24 * time.Hour)
		send := func(notes []Note, gone int) error {
			tries++
			if time.Now().Before(back) {
				return errors.New("at https://host/" + canary + ": down")
			}
			lost, got = gone, got+len(notes)
			return nil
		}
		reg := prometheus.NewRegistry()
		n := New([]Sink{{Name: "ops", Send: send, Kinds: []Kind{Failed}}}, &Memory{}, NewCounts(reg), slog.New(slog.NewTextHandler(&log, nil)))
		go n.queues[0].run(t.Context())
		n.queues[0].put(Note{Kind: Drift}) // it does not ask for it
		for range 1000 {
			n.queues[0].put(Note{Kind: Failed, When: time.Now()})
			time.Sleep(time.Minute)
		}
		if depth, oldest := n.Waiting(); depth != room || oldest.IsZero() || !slices.Equal(n.Down(), []string{"ops"}) {
			t.Errorf("%d wait since %s, %q are down", depth, oldest, n.Down())
		}
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if depth, _ := n.Waiting(); depth != 0 || got != room || lost != 1000-room || len(n.Down()) != 0 {
			t.Errorf("%d wait, %d were told, %d lost", depth, got, lost)
		}
		if tries > 24*12+20 {
			t.Errorf("%d tries in a day", tries)
		}
		if v := testutil.ToFloat64(n.queues[0].counts.WithLabelValues("ops", "lost")); v != 800 {
			t.Errorf("%v are counted as lost", v)
		}
		if strings.Contains(log.String(), canary) || strings.Count(log.String(), "\n") != 2 {
			t.Errorf("the log says:\n%s", &log)
		}
	})
}

// Notes that come together go out together, and the next message waits for its time.
func TestNotesAreGrouped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var sent []string
		send := func(notes []Note, _ int) error {
			sent = append(sent, fmt.Sprintf("%d at %s", len(notes), time.Since(began)))
			return nil
		}
		n := New([]Sink{{Name: "ops", Send: send, Every: time.Minute}}, &Memory{}, NewCounts(nil), slog.New(slog.DiscardHandler))
		go n.queues[0].run(t.Context())
		for range 3 {
			n.queues[0].put(Note{})
			time.Sleep(time.Second)
		}
		time.Sleep(20 * time.Second)
		n.queues[0].put(Note{})
		time.Sleep(time.Hour)
		synctest.Wait()
		if want := []string{"3 at 10s", "1 at 1m20s"}; !slices.Equal(sent, want) {
			t.Errorf("sent %q, want %q", sent, want)
		}
	})
}

// What arrives at a service is what that service reads.
func TestBodies(t *testing.T) {
	var got []byte
	var header http.Header
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body)
		header = r.Header
		if r.URL.Path == "/gone" {
			w.WriteHeader(http.StatusGone)
		}
	}))
	defer srv.Close()
	notes := (&Memory{}).News(picture(reconcile.Failing, reconcile.Failing, false))
	for body, want := range map[Body]string{
		DingTalk: `"msgtype":"text"`, Teams: `"type":"AdaptiveCard"`, Alertmanager: `[{"labels":{"alertname":"PigsyncFailed","cluster":"etcd","inventory":"prod","module":"etcd"}`,
		Grafana: `"tags":["pigsync","prod","failed","etcd/etcd"]`, Text: "~ file:/etc/a@10.0.0.1",
	} {
		address := srv.URL + "/x?@Authorization=Bearer+" + canary
		if body == Text {
			address = "generic+" + address
		}
		send, err := Sender(address+"\n", body, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := send(notes, 0); err != nil {
			t.Fatal(body, err)
		}
		if !strings.Contains(string(got), want) || body != Text && !json.Valid(got) {
			t.Errorf("%s: %s", body, got)
		}
		if header.Get("Authorization") != "Bearer "+canary {
			t.Errorf("%s: header %v", body, header)
		}
	}
	over := slices.Clone(notes)
	over[0].Over = true
	if a := alerts(over, ""); !a[0].EndsAt.Equal(noon) || !a[0].StartsAt.IsZero() {
		t.Errorf("what is over: %+v", a)
	}
	send, err := Sender(srv.URL+"/gone", Grafana, "")
	if err != nil || send(notes, 0) == nil {
		t.Errorf("a service that refuses is no error (%v)", err)
	}
}

// The services that many have are spoken by their own addresses.
func TestServicesAreKnown(t *testing.T) {
	for _, address := range []string{
		"slack://hook:WNA3PBYV6-F20DUQND3RQ-Webc4MAvoacrpPakR8phF0zi@webhook", "telegram://110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw@telegram?chats=1",
		"lark://open.feishu.cn/token?secret=s", "wecom://693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa", "smtp://u:p@mail.example:587/?from=a@b.c&to=d@e.f",
	} {
		if _, err := Sender(address, Text, ""); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{"", "nobody://" + canary, "slack://" + canary, "::" + canary} {
		for _, body := range []Body{Text, DingTalk} {
			if _, err := Sender(address, body, ""); err == nil || strings.Contains(err.Error(), canary) {
				t.Errorf("%q as %s: %v", address, body, err)
			}
		}
	}
}
