package vault

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The passwords of testdata, whose files the real ansible-vault has made.
const (
	horse = "correct horse battery"
	odd   = "pä ss;word{{ x }}"
)

func password(id, text string) Password {
	return Password{ID: id, Text: func() string { return text }}
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func parse(t testing.TB, text []byte) *Envelope {
	t.Helper()
	e, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestOpen(t *testing.T) {
	all := []Password{password("prod", odd), password("dev", horse)}
	for _, c := range []struct{ file, id, want string }{
		{"value11.vault", "", "hunter2"},
		{"value12.vault", "prod", "hunter2"},
		{"block.vault", "", "0123456789abcdef"},
		{"lines.vault", "dev", "ä🐷 line\nsecond line\n"},
		{"file.vault", "", "---\npg_admin_password: hunter2\npg_port: 5432\n"},
		{"empty.vault", "", ""},
	} {
		text := read(t, c.file)
		indented := bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n    "))
		for _, spelling := range [][]byte{text, indented} {
			e := parse(t, spelling)
			plain, err := e.Open(all)
			if err != nil || string(plain) != c.want || e.ID != c.id || !Is(text) {
				t.Errorf("%s: %q, vault id %q, %v", c.file, plain, e.ID, err)
			}
		}
	}
}

// The password of the envelope's own id is tried first; a wrong id does not keep it locked.
func TestOpenTriesTheIDFirst(t *testing.T) {
	var tried []string
	note := func(id, text string) Password {
		return Password{ID: id, Text: func() string { tried = append(tried, id+"="+text); return text }}
	}
	e := parse(t, read(t, "value12.vault"))
	plain, err := e.Open([]Password{note("dev", "a"), note("prod", "b"), note("default", odd), note("prod", "c"), note("x", "d")})
	if err != nil || string(plain) != "hunter2" {
		t.Error(err)
	}
	if got, want := strings.Join(tried, " "), "prod=b prod=c dev=a default="+odd; got != want {
		t.Errorf("tried %s, want %s", got, want)
	}
}

func TestWrongKey(t *testing.T) {
	e := parse(t, read(t, "value11.vault"))
	for _, passwords := range [][]Password{nil, {password("default", odd)}, {password("a", "x"), password("b", "")}} {
		plain, err := e.Open(passwords)
		if !errors.Is(err, ErrKey) || plain != nil || strings.Contains(err.Error(), odd) {
			t.Errorf("%q, %v", plain, err)
		}
	}
}

func TestNoVault(t *testing.T) {
	good := string(read(t, "value12.vault"))
	lines := strings.SplitAfter(good, "\n")
	for _, c := range []struct {
		name, text string
		want       error
	}{
		{"empty", "", ErrFormat},
		{"text", "hunter2", ErrFormat},
		{"half a header", "$ANSIBLE_VAULT;1.1\n6162\n", ErrFormat},
		{"other header", "$ANSIBLE_VAULTS;1.1;AES256\n6162\n", ErrFormat},
		{"1.0", strings.Replace(good, "1.2", "1.0", 1), ErrVersion},
		{"1.3", strings.Replace(good, "1.2", "1.3", 1), ErrVersion},
		{"AES", strings.Replace(good, "AES256", "AES", 1), ErrCipher},
		{"ROT13", strings.Replace(good, "AES256", "ROT13", 1), ErrCipher},
		{"header alone", lines[0], ErrTruncated},
		{"one line", lines[0] + lines[1], ErrTruncated},
		{"last line lost", strings.Join(lines[:len(lines)-2], ""), ErrTruncated},
		{"last digit lost", strings.TrimSpace(good)[:len(good)-2], ErrTruncated},
		{"no digits", lines[0] + "hunter2!\n", ErrTruncated},
		{"large", strings.Repeat("a", maxText+1), ErrFormat},
	} {
		e, err := Parse([]byte(c.text))
		if !errors.Is(err, c.want) || e != nil {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if strings.Contains(fmt.Sprint(err), "hunter2") || strings.Contains(fmt.Sprint(err), "ROT13") {
			t.Errorf("%s: the error quotes the text: %v", c.name, err)
		}
	}
}

// Whatever is changed in a vault, it opens no more.
func TestDamage(t *testing.T) {
	e := parse(t, read(t, "block.vault"))
	for _, part := range [][]byte{e.salt, e.mac, e.ciphertext} {
		part[len(part)/2] ^= 1
		if plain, err := e.Open([]Password{password("default", horse)}); !errors.Is(err, ErrKey) || plain != nil {
			t.Errorf("%q, %v", plain, err)
		}
		part[len(part)/2] ^= 1
	}
}

func TestUnpad(t *testing.T) {
	block := bytes.Repeat([]byte{16}, 16)
	if plain, err := unpad(block); err != nil || len(plain) != 0 {
		t.Error(plain, err)
	}
	for _, last := range []byte{0, 17, 255, 2} {
		block[15] = last
		if plain, err := unpad(block); !errors.Is(err, ErrTruncated) || plain != nil {
			t.Errorf("%d: %v, %v", last, plain, err)
		}
	}
}

func TestPasswordIsNotPrinted(t *testing.T) {
	p := password("prod", horse)
	for _, format := range []string{"%v", "%s", "%+v", "%#v", "%q", "%x"} {
		if got := fmt.Sprintf(format, []any{p, &p, []Password{p}}); strings.Contains(got, horse) || strings.Contains(got, fmt.Sprintf("%x", horse)) {
			t.Errorf("%s: %s", format, got)
		}
	}
}

// TestAgainstAnsible opens what the installed ansible-vault locks today.
func TestAgainstAnsible(t *testing.T) {
	program, err := exec.LookPath("ansible-vault")
	if err != nil {
		t.Skip("ansible-vault is not installed: only the files it made earlier are opened")
	}
	dir := t.TempDir()
	passwordFile := filepath.Join(dir, "password")
	if err := os.WriteFile(passwordFile, []byte(odd+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for id, plain := range map[string]string{"default": strings.Repeat("0123456789abcdef", 3), "site-a": "a: 1\nb: ü\n"} {
		cmd := exec.CommandContext(t.Context(), program, "encrypt", "--vault-id", id+"@"+passwordFile, "--output", "-", "-")
		cmd.Stdin = strings.NewReader(plain)
		locked, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		e := parse(t, locked)
		got, err := e.Open([]Password{password("other", horse), password(id, odd)})
		if err != nil || string(got) != plain || id != "default" && e.ID != id {
			t.Errorf("%q of %s: %q of %q, %v", plain, id, got, e.ID, err)
		}
	}
}

// FuzzParse looks for panics, and for envelopes that cannot be opened or refused.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"value11.vault", "value12.vault", "empty.vault"} {
		f.Add(read(f, name))
	}
	f.Add([]byte("$ANSIBLE_VAULT;1.1;AES256\n30300a30300a3030\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := Parse(text)
		if err != nil {
			for _, kind := range []error{ErrFormat, ErrVersion, ErrCipher, ErrTruncated} {
				if errors.Is(err, kind) {
					return
				}
			}
			t.Fatal("an error of no kind:", err)
		}
		if plain, err := e.Open([]Password{password("default", "x")}); err == nil && len(plain) >= len(text) {
			t.Error("opened with the wrong password")
		}
	})
}
