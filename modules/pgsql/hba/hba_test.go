package hba_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pigsync/pigsync/modules/pgsql/hba"
)

func show(l *hba.Line) string {
	if l == nil {
		return "-"
	}
	where := l.Addr.Word
	if l.Addr.Prefix.IsValid() {
		where = l.Addr.Prefix.String()
	}
	return strings.TrimSpace(fmt.Sprint(l.Type, " ", l.Databases, " ", l.Users, " ", where, " ", l.Method, " ", len(l.Options)))
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"", "-"},
		{"  # host all all all trust", "-"},
		{"local all all peer", "local [{all false}] [{all false}]  peer 0"},
		{"local all postgres ident map=m", "local [{all false}] [{postgres false}]  peer 1"},
		{"host\tall,replication  a, b,c 10.0.0.1/8 md5 # why", "host [{all false} {replication false}] [{a false} {b false} {c false}] 10.0.0.0/8 md5 0"},
		{`host "all" "a b",+g /^x 192.168.1.7 255.255.255.0 scram-sha-256`, `"/^x"`},
		{`host "all" "a ""q""",+g 192.168.1.7 255.255.255.0 scram-sha-256`, `host [{all true}] [{a "q" true} {+g false}] 192.168.1.0/24 scram-sha-256 0`},
		{"hostssl db /^app_[0-9]+$ ::1/128 cert clientcert=verify-full map=x", "hostssl [{db false}] [{/^app_[0-9]+$ false}] ::1/128 cert 2"},
		{"host all all db.Example.com trust", "host [{all false}] [{all false}] db.example.com trust 0"},
		{"host all all .example.com trust", "host [{all false}] [{all false}] .example.com trust 0"},
		{"host all all samenet trust", "host [{all false}] [{all false}] samenet trust 0"},
		{"local all", "9: the line ends before the user"},
		{"hosts all all all trust", "0: want one of local"},
		{"include other.conf", "0: \"include\" reads another file"},
		{"@file", "0: \"@file\" reads another file"},
		{"host @dbs all all trust", `5: "@dbs" reads another file`},
		{`host all "@dbs" all trust`, "host [{all false}] [{@dbs true}] all trust 0"},
		{"host all all 10.0.0.0 trust", `22: want a mask such as 255.255.255.0 behind the address, got "trust"`},
		{"host all all 10.0.0.0 nomask trust", `22: want a mask such as`},
		{"host all all 10.0.0.0 255.0.255.0 trust", "22: the mask 255.0.255.0 has a hole"},
		{"host all all 10.0.0.0/33 trust", "13: want an address with the length"},
		{"host all all 10.0.0 trust", "13: want an address with mask"},
		{"host all all all magic", "17: want one of trust"},
		{"host all all all peer", "17: peer is for local rules only"},
		{"host all all all cert", "17: cert is for hostssl rules only"},
		{"host all all all md5 alone", "21: want an option as name=value"},
		{`host all "a all trust`, "9: the quote is not closed"},
		{"host all all all,samenet trust", "13: want one address, got a list"},
		{"host all / all trust", "9: the regular expression is empty"},
		{`host all + all trust`, "9: the user is empty"},
		{`host all "" all trust`, "9: the user is empty"},
	} {
		l, err := hba.Parse(c.line, hba.PostgreSQL)
		got := show(l)
		var bad *hba.Error
		if errors.As(err, &bad) {
			got = fmt.Sprintf("%d: %s", bad.Offset, bad.Msg)
		}
		if !strings.HasPrefix(got, c.want) && !strings.Contains(got, c.want) {
			t.Errorf("%s\n got %s\nwant %s", c.line, got, c.want)
		}
	}
}

func TestPgBouncerKnowsLess(t *testing.T) {
	for line, want := range map[string]string{
		"host all +group all trust":     "9: PgBouncer knows no members of group: want names, or all",
		"host all all samenet trust":    `13: PgBouncer knows no "samenet": want an address with mask, or all`,
		"host all all all gss":          "17: want one of trust, reject, scram-sha-256, md5, password, peer, cert, pam, ldap, got \"gss\"",
		"hostgssenc all all all trust":  "0: PgBouncer knows no hostgssenc",
		"host all all 10.0.0.0/8 trust": "",
	} {
		_, err := hba.Parse(line, hba.PgBouncer)
		got := ""
		var bad *hba.Error
		if errors.As(err, &bad) {
			got = fmt.Sprintf("%d: %s", bad.Offset, bad.Msg)
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
}

func parse(t testing.TB, lines ...string) []*hba.Line {
	t.Helper()
	var all []*hba.Line
	for _, text := range lines {
		l, err := hba.Parse(text, hba.PostgreSQL)
		if err != nil {
			t.Fatal(text, err)
		}
		all = append(all, l)
	}
	return all
}

// in knows one group: staff, with ann in it.
func in(user, role string) bool { return user == role || user == "ann" && role == "staff" }

func TestDecide(t *testing.T) {
	lines := parse(t,
		"local all postgres peer",
		"hostssl replication repl 10.0.0.0/8 md5",
		"host all +staff 10.1.0.0/16 md5",
		"hostnossl all all 10.0.0.0/8 reject",
		"host sameuser all 10.0.0.0/8 md5",
		`host "all","replication" bob 10.0.0.0/8 md5`,
		"host /^app all 10.0.0.0/8 md5",
		"host all all somewhere.example.com trust",
		"host all all 192.168.0.0 255.255.0.0 trust",
	)
	from := netip.MustParseAddr
	for _, c := range []struct {
		conn  hba.Conn
		index int
		sure  bool
	}{
		{hba.Conn{Local: true, Database: "x", User: "postgres"}, 0, true},
		{hba.Conn{Local: true, Database: "x", User: "ann"}, -1, true},
		{hba.Conn{Local: true, Replication: true, User: "postgres"}, -1, true},
		{hba.Conn{Addr: from("10.2.0.1"), TLS: true, Replication: true, User: "repl"}, 1, true},
		{hba.Conn{Addr: from("10.2.0.1"), Replication: true, User: "repl"}, -1, true},
		{hba.Conn{Addr: from("10.1.0.1"), Database: "x", User: "ann"}, 2, true},
		{hba.Conn{Addr: from("10.1.0.1"), Database: "x", User: "bob"}, 3, true},
		{hba.Conn{Addr: from("10.1.0.1"), TLS: true, Database: "bob", User: "bob"}, 4, true},
		{hba.Conn{Addr: from("10.1.0.1"), TLS: true, Database: "all", User: "bob"}, 5, true},
		{hba.Conn{Addr: from("10.1.0.1"), TLS: true, Database: "app1", User: "bob"}, 6, true},
		{hba.Conn{Addr: from("192.168.1.1"), TLS: true, Database: "x", User: "bob"}, 8, false},
		{hba.Conn{Addr: from("2001:db8::1"), TLS: true, Database: "x", User: "bob"}, -1, false},
	} {
		if index, sure := hba.Decide(lines, c.conn, in); index != c.index || sure != c.sure {
			t.Errorf("%+v: got %d %t, want %d %t", c.conn, index, sure, c.index, c.sure)
		}
	}
}

// word draws one of the words that matter in a column.
func word(t *rapid.T, label string, words ...string) string {
	return rapid.SampledFrom(words).Draw(t, label)
}

func drawLine(t *rapid.T) *hba.Line {
	kind := word(t, "type", "local", "host", "hostssl", "hostnossl")
	text := kind + " " + word(t, "db", "all", "a", "a,b", "replication", "sameuser", `"all"`, "/^a", "samerole") + " " +
		word(t, "user", "all", "ann", "+staff", "bob,ann", `"+staff"`, "/^a", "+bob")
	if kind != "local" {
		text += " " + word(t, "addr", "all", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "::/0", "0.0.0.0/0", "x.org", ".org")
	}
	l, err := hba.Parse(text+" md5", hba.PostgreSQL)
	if err != nil {
		t.Fatal(text, err)
	}
	return l
}

// A line that covers another one takes every connection from it.
func TestCoversIsTrue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawLine(t), drawLine(t)
		if !a.Covers(b, in) {
			return
		}
		for _, addr := range []string{"", "10.0.0.1", "10.1.2.3", "127.0.0.1", "::1"} {
			for _, user := range []string{"ann", "bob", "staff", "+staff", "all"} {
				for _, db := range []string{"a", "b", "ann", "all", "staff", ""} {
					c := hba.Conn{Local: addr == "", User: user, Database: db, Replication: db == "", TLS: rapid.Bool().Draw(t, "tls")}
					c.Addr, _ = netip.ParseAddr(addr)
					first, _ := a.Match(c, in)
					if second, _ := b.Match(c, in); second && !first {
						t.Fatalf("%s covers %s, but not for %+v", show(a), show(b), c)
					}
				}
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"host all,replication \"a b\",+g 10.0.0.1 255.0.0.0 md5 map=x # y", "local all /^x peer", "include x", "host \"", "hostssl a b ::1/128 cert"} {
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, text string, pool bool) {
		d := hba.PostgreSQL
		if pool {
			d = hba.PgBouncer
		}
		l, err := hba.Parse(text, d)
		var bad *hba.Error
		switch {
		case errors.As(err, &bad):
			if bad.Offset < 0 || bad.Offset > len(text) || strings.ContainsRune(bad.Msg, '\n') {
				t.Fatalf("%q: %d: %s", text, bad.Offset, bad.Msg)
			}
		case l != nil:
			if len(l.Users) == 0 || len(l.Databases) == 0 || l.Method == "" || !l.Covers(l, in) && !strings.Contains(text, "/") {
				t.Fatalf("%q: %s", text, show(l))
			}
			hba.Decide([]*hba.Line{l}, hba.Conn{Local: true, User: "a", Database: "a"}, in)
		}
	})
}
