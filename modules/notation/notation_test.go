package notation_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pigsync/pigsync/modules/notation"
)

func TestCron(t *testing.T) {
	good := map[string]notation.Cron{
		"":                       {},
		"  # a comment":          {},
		"MAILTO=dba@example.com": {},
		`PATH = "/bin"`:          {},
		"0 1 * * * root true":    {"0 1 * * *", "root", "true"},
		"*/5\t1-5/2 1,15 jan-MAR Sun-6 postgres  a  b": {"*/5 1-5/2 1,15 jan-MAR Sun-6", "postgres", "a  b"},
		"@reboot root a=b c":                           {"@reboot", "root", "a=b c"},
		"0~30 ~ * * 7 root true":                       {"0~30 ~ * * 7", "root", "true"},
	}
	for line, want := range good {
		if got, err := notation.ParseCron(line, true); err != nil || got != want {
			t.Errorf("%q: got %+v, %v", line, got, err)
		}
	}
	if got, err := notation.ParseCron("0 1 * * * /bin/true x", false); err != nil || got.Command != "/bin/true x" || got.User != "" {
		t.Errorf("without a user: %+v, %v", got, err)
	}
	for _, line := range []string{
		"0 1 * * *", "0 1 * * * root", "0 1 * * * /bin/true x", "60 * * * * root x", "* 24 * * * root x", "* * 0 * * root x",
		"* * * 13 * root x", "* * * foo * root x", "* * * * 8 root x", "5-1 * * * * root x", "*/0 * * * * root x", ", * * * * root x",
		"@often root x", "@daily", "0 1 * * * root x\n0 2 * * * root y", "1 2 3", "-1 * * * * root x", "+1 * * * * root x",
	} {
		if got, err := notation.ParseCron(line, true); err == nil {
			t.Errorf("%q: taken as %+v", line, got)
		}
	}
}

func TestHost(t *testing.T) {
	got, err := notation.ParseHost(" 10.0.0.1\ta b.c # d")
	if err != nil || got.Addr.String() != "10.0.0.1" || !slices.Equal(got.Names, []string{"a", "b.c"}) {
		t.Error(got, err)
	}
	for line, want := range map[string]error{"# x": nil, "": nil, "10.0.0.1 # a": notation.ErrHostNames, "a 10.0.0.1": notation.ErrHostAddr, "::1 a": nil} {
		if _, err := notation.ParseHost(line); err != want {
			t.Errorf("%q: %v", line, err)
		}
	}
}

func TestHostName(t *testing.T) {
	long := strings.Repeat("a", 63)
	for name, want := range map[string]error{
		"a": nil, "A-1.b": nil, "1": nil, long: nil, "10.pigsty": nil,
		"": notation.ErrLabelEmpty, "a..b": notation.ErrLabelEmpty, "a.": notation.ErrLabelEmpty, "-a": notation.ErrLabelHyphen, "a-.b": notation.ErrLabelHyphen,
		long + "a": notation.ErrLabelLength, "a_b": notation.ErrNameLetters, "é": notation.ErrNameLetters, "10.0.1": notation.ErrNameNumber,
		strings.Repeat("ab.", 85): notation.ErrNameLength,
	} {
		if err := notation.HostName(name); err != want {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestLines(t *testing.T) {
	key := "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5"
	for _, c := range []struct {
		reader string
		judge  func(string) error
		good   []string
		bad    []string
	}{
		{"TimeSource", notation.TimeSource, []string{"", "# x", "pool a.b iburst", "SERVER 10.0.0.1", "refclock PHC /dev/ptp0", "peer ${admin_ip}"}, []string{"a.b", "pool", "server a_b", "ntp a"}},
		{"Resolver", notation.Resolver, []string{"10.0.0.1", " ::1 ", "fe80::1%eth0"}, []string{"", "a", "10.0.0", "nameserver 10.0.0.1", "fe80::1%a b"}},
		{"ResolvOption", notation.ResolvOption, []string{"options a", "search a.b"}, []string{"", "options", "nameserver 10.0.0.1"}},
		{"PublicKey", notation.PublicKey, []string{key, key + " me", `command="x" ` + key}, []string{"", "ssh-ed25519", "AAAAC3", "ssh-rsa xyz", "-----BEGIN OPENSSH PRIVATE KEY-----"}},
	} {
		for _, line := range c.good {
			if err := c.judge(line); err != nil {
				t.Errorf("%s(%q): %v", c.reader, line, err)
			}
		}
		for _, line := range c.bad {
			if c.judge(line) == nil {
				t.Errorf("%s(%q): taken", c.reader, line)
			}
		}
	}
}

func TestWords(t *testing.T) {
	for _, c := range []struct {
		reader string
		judge  func(string) bool
		good   []string
		bad    []string
	}{
		{"Sysctl", notation.Sysctl, []string{"vm.swappiness", "net.ipv4.conf.eth0/100.rp_filter", "fs.nr_open", "net/ipv4/ip_forward"}, []string{"", "vm", "vm.", "vm..x", ".vm", "vm.x=1", "vm x.y"}},
		{"Zone", notation.Zone, []string{"UTC", "Asia/Shanghai", "America/Argentina/Buenos_Aires", "Etc/GMT+8", "America/Port-au-Prince"}, []string{"", "utc", "UTC+8", "+08:00", "Asia", "Asia/", "Asien/Tokio", "Asia/../x", "a/b/c/d"}},
		{"Alias", notation.Alias, []string{"ll", "..", "pg-v"}, []string{"", "a b", "a=b", "$x", "a/b"}},
		{"UserName", notation.UserName, []string{"dba", "_x", "a.b-c", "host$"}, []string{"", "0a", "/bin/true", "Dba", "a b"}},
		{"IsHost", notation.IsHost, []string{"10.0.0.1", "::1", "a.b"}, []string{"", "10.0.0.1:80", "a b"}},
	} {
		for _, word := range c.good {
			if !c.judge(word) {
				t.Errorf("%s(%q): refused", c.reader, word)
			}
		}
		for _, word := range c.bad {
			if c.judge(word) {
				t.Errorf("%s(%q): taken", c.reader, word)
			}
		}
	}
}

func TestEndpoint(t *testing.T) {
	for text, want := range map[string]error{
		"10.0.0.1:80": nil, "${admin_ip}:9001": nil, "[::1]:80": nil, "a:65535": nil,
		"a": notation.ErrEndpointPort, "a:": notation.ErrEndpointPort, "[::1]": notation.ErrEndpointPort, ":80": notation.ErrEndpointHost,
		"http://a:80": notation.ErrEndpointScheme, "a:0": notation.ErrEndpointForm, "a:x": notation.ErrEndpointForm, "a:65536": notation.ErrEndpointForm, "a/b:1": notation.ErrEndpointForm,
	} {
		if _, _, err := notation.Endpoint(text); err != want {
			t.Errorf("%q: %v", text, err)
		}
	}
	if host, port, _ := notation.Endpoint("[::1]:80"); host != "::1" || port != 80 {
		t.Error(host, port)
	}
}

func TestBraces(t *testing.T) {
	for text, want := range map[string]string{
		"/data": "/data", "/data{1...3}": "/data1 /data2 /data3", "/d{08...10}": "/d08 /d09 /d10",
		"/r{1...2}/d{1...2}": "/r1/d1 /r1/d2 /r2/d1 /r2/d2", "/d{1...1}/x": "/d1/x",
		"/d{1..4}": "", "/d{a...b}": "", "/d{4...1}": "", "/d{1...4": "", "/d1}": "", "/d{1,2}": "", "/d{1...9999}": "", "/{1...99}{1...99}": "", "/d{}": "",
	} {
		got, err := notation.Braces(text)
		if strings.Join(got, " ") != want || (err != nil) != (want == "") {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
}

func TestPlaceholders(t *testing.T) {
	for text, want := range map[string]string{"": "", "a ${b} ${c}d": "b c", "${": "", "$x ${}": "", "${a${b}": "a${b"} {
		if got := strings.Join(notation.Placeholders(text), " "); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// What is taken once is taken again when it is written from its parts.
func TestCronIsStable(t *testing.T) {
	field := rapid.SampledFrom([]string{"*", "1", "1-5", "*/2", "1,3", "mon", "2-x", "9999"})
	rapid.Check(t, func(t *rapid.T) {
		line := strings.Join(rapid.SliceOfN(field, 5, 5).Draw(t, "fields"), " ") + " root true"
		first, err := notation.ParseCron(line, true)
		if err != nil {
			return
		}
		second, err := notation.ParseCron(first.Schedule+" "+first.User+" "+first.Command, true)
		if err != nil || first != second {
			t.Fatalf("%+v became %+v, %v", first, second, err)
		}
	})
}

// No reader panics, and every brace range stays small.
func FuzzNotation(f *testing.F) {
	for _, seed := range []string{"0 1 * * * root x", "10.0.0.1 a b", "pool a iburst", "/d{1...4}", "[::1]:80", "${a}", "Asia/Tokyo", "{{{{", "@daily", "=", "ssh-rsa AAAA"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if c, err := notation.ParseCron(s, true); err == nil && c.Command != "" && c.User == "" {
			t.Errorf("%q has a command without a user", s)
		}
		if h, err := notation.ParseHost(s); err == nil && h.Addr.IsValid() && len(h.Names) == 0 {
			t.Errorf("%q has an address without a name", s)
		}
		if paths, err := notation.Braces(s); err == nil && (len(paths) == 0 || len(paths) > 1000) {
			t.Errorf("%q stands for %d paths", s, len(paths))
		}
		if _, port, err := notation.Endpoint(s); err == nil && (port < 1 || port > 65535) {
			t.Errorf("%q has port %d", s, port)
		}
		for _, name := range notation.Placeholders(s) {
			if !strings.Contains(s, "${"+name+"}") {
				t.Errorf("%q has no %q", s, name)
			}
		}
		_ = []any{notation.TimeSource(s), notation.Resolver(s), notation.ResolvOption(s), notation.PublicKey(s), notation.Sysctl(s), notation.Zone(s), notation.Alias(s), notation.IsHost(s)}
	})
}
