package pigsync_test

import (
	"go/build"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/pigsync/pigsync/"

// doors says which room may open onto which. A room not named here may open onto all.
var doors = map[string][]string{
	"resource":  {},
	"inventory": {"inventory"},
	"sources":   {"sources"},
	"modules":   {"inventory", "resource", "modules"},
	"diff":      {"resource"},
	"policies":  {"diff", "resource", "policies"},
	"executors": {"diff", "resource", "executors"},
	"history":   {"diff", "resource", "policies"},
	"reconcile": {"diff", "executors", "history", "inventory", "modules", "policies", "resource", "sources"},
	"review":    {"reconcile", "sources"},
	"server":    {"reconcile", "history", "policies", "diff", "resource"},
	"notify":    {"reconcile", "diff"},
	"lab":       {"lab"},

	"monitoring": {},
}

// keepers says which folders alone may use a library: its successor is then a one-room change.
var keepers = map[string][]string{
	"gopkg.in/yaml.v3":                   {"inventory", "inventory/sops", "cmd/pigsyncd"},
	"filippo.io/age":                     {"inventory/sops/keyring"},
	"github.com/ProtonMail/go-crypto":    {"inventory/sops/keyring", "sources/git", "sources/signed"},
	"github.com/nikolalohinski/gonja":    {"inventory/jinja"},
	"github.com/go-git/":                 {"sources/git"},
	"github.com/fsnotify/":               {"sources/dir", "executors/node"},
	"code.gitea.io/sdk/":                 {"sources/forge"},
	"github.com/google/go-github/":       {"sources/forge"},
	"gitlab.com/gitlab-org/api/":         {"sources/forge"},
	"golang.org/x/crypto/ssh":            {"executors/ssh", "executors/ssh/sshtest", "sources/signed"},
	"github.com/jmespath/":               {"modules/pgsql"},
	"github.com/google/cel-go/":          {"policies/rules"},
	"github.com/Masterminds/semver/":     {"sources/git"},
	"github.com/robfig/cron":             {"policies"},
	"go.etcd.io/etcd/":                   {"executors/etcd"},
	"github.com/prometheus/":             {"reconcile", "server", "notify", "cmd/pigsyncd"},
	"github.com/spf13/cobra":             {"cmd/pigsyncd", "lab/cmd/lab"},
	"github.com/nicholas-fedor/":         {"notify"},
	"github.com/muesli/":                 {"cmd/pigsyncd"},
	"github.com/santhosh-tekuri/":        {}, // tests alone
	"golang.org/x/text/":                 {"resource"},
	"github.com/jackc/pgx/":              {"executors/postgres"},
	"github.com/coreos/go-systemd/v22/d": {"executors/node", "cmd/pigsyncd"},
}

// pure rooms have no hands, no clock and no voice.
var (
	pure  = []string{"resource", "inventory", "modules", "diff", "policies"}
	hands = []string{"os", "os/exec", "net", "net/http", "log", "syscall", "math/rand", "math/rand/v2"}
)

func TestRoomsHaveTheirDoors(t *testing.T) {
	each(t, func(dir, room string, pkg *build.Package) {
		for _, imp := range pkg.Imports {
			to, ours := strings.CutPrefix(imp, module)
			to, _, _ = strings.Cut(to, "/")
			allowed, guarded := doors[room]
			if ours && guarded && !slices.Contains(allowed, to) {
				t.Errorf("%s imports %s: there is no door from %s to %s", dir, imp, room, to)
			}
			if to == "cmd" || ours && to == "reconcile" && room != "server" && room != "notify" && room != "review" && room != "cmd" && room != "lab" {
				t.Errorf("%s imports %s: nobody opens that door from the inside", dir, imp)
			}
		}
	})
}

func TestLibrariesHaveTheirKeepers(t *testing.T) {
	each(t, func(dir, _ string, pkg *build.Package) {
		for _, imp := range pkg.Imports {
			for lib, keeper := range keepers {
				if strings.HasPrefix(imp, lib) && !slices.Contains(keeper, dir) {
					t.Errorf("%s imports %s: that is the affair of %s", dir, imp, strings.Join(keeper, " and "))
				}
			}
		}
	})
}

func TestPureRoomsHaveNoHands(t *testing.T) {
	each(t, func(dir, room string, pkg *build.Package) {
		if !slices.Contains(pure, room) || strings.HasSuffix(dir, "test") {
			return
		}
		for _, imp := range pkg.Imports {
			if slices.Contains(hands, imp) {
				t.Errorf("%s imports %s: this room is pure", dir, imp)
			}
		}
	})
}

// each visits every package of the module, without its tests.
func each(t *testing.T, visit func(dir, room string, pkg *build.Package)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if name := d.Name(); path != "." && (name == "testdata" || strings.HasPrefix(name, ".") || name == "bin") {
			return filepath.SkipDir
		}
		pkg, err := build.ImportDir(path, 0)
		if err == nil {
			dir := filepath.ToSlash(path)
			room, _, _ := strings.Cut(dir, "/")
			visit(dir, room, pkg)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
