package node_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/pigsync/pigsync/resource"
)

// A link that comes and goes is there or not there, and never unknown for having gone between two
// questions about it.
func TestALinkThatComesAndGoesIsNeverUnknown(t *testing.T) {
	dir := machine(t)
	l := local(t, dir)
	path, done := filepath.Join(dir, "link"), make(chan error)
	go func() {
		var err error
		for range 20_000 {
			err = errors.Join(err, os.Symlink("x", path), os.Remove(path))
		}
		done <- err
	}()
	link := id(resource.KindLink, "/link")
	for looks := 0; ; looks++ {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			t.Logf("%d looks", looks)
			return
		default:
		}
		if s := l.Observe(t.Context(), []resource.ID{link})[link]; s.Err != nil {
			t.Fatal(s.Err)
		}
	}
}
