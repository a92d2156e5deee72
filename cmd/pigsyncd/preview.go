package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/pigsync/pigsync/reconcile"
)

// maxInventoryFile is how large a file may be and still be sent, in bytes: larger ones are no inventory.
const maxInventoryFile = 4 << 20

// preview has the daemon say what an inventory that is not merged yet would do.
func (o *options) preview(ctx context.Context) error {
	if o.inventory == "" {
		return hinted{errors.New("--server wants --inventory"), "name the directory of the inventory whose plan is wanted"}
	}
	tree, err := pack(o.inventory)
	if err != nil {
		return readable(err)
	}
	var answer json.RawMessage
	_, err = o.call(ctx, "plan", "application/zip", tree, &answer)
	var bad refusal
	if errors.As(err, &bad) && bad.status == http.StatusUnprocessableEntity {
		return o.previewRefused(bad, err)
	}
	if err != nil {
		return err
	}
	return o.showPreview(answer)
}

func (o *options) showPreview(answer json.RawMessage) error {
	var p struct {
		Text, Markdown string
		Plan           struct{ Steps []json.RawMessage }
	}
	if err := json.Unmarshal(answer, &p); err != nil {
		return fmt.Errorf("read the plan: %w", err)
	}
	var err error
	switch {
	case o.json():
		err = printJSON(o.stdout, answer)
	case o.output == "markdown":
		_, err = io.WriteString(o.stdout, p.Markdown)
	default:
		_, err = io.WriteString(o.stdout, p.Text)
	}
	if err == nil && len(p.Plan.Steps) > 0 {
		return exit(exitDiffers)
	}
	return err
}

// previewRefused prints the problems of an inventory that the daemon would not act on.
func (o *options) previewRefused(bad refusal, err error) error {
	var said struct{ Problems []reconcile.Problem }
	if json.Unmarshal(bad.body, &said) != nil || len(said.Problems) == 0 {
		return err
	}
	if o.json() {
		return errors.Join(printJSON(o.stdout, said), err)
	}
	for _, p := range said.Problems {
		fmt.Fprintf(o.stderr, "%s: %s: %s [%s]\n", p.Place, p.Severity, p.Message, p.Code)
	}
	return err
}

// pack makes a zip of the directory of an inventory: of its plain files, without what begins with a dot.
func pack(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("--inventory: %w", err)
	}
	if !info.IsDir() {
		path = filepath.Dir(path)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	root := os.DirFS(path)
	err = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && strings.HasPrefix(d.Name(), "."):
			return skip(d)
		case !d.Type().IsRegular():
			return nil
		}
		return packFile(z, root, name)
	})
	err = errors.Join(err, z.Close())
	return b.Bytes(), err
}

func skip(d fs.DirEntry) error {
	if d.IsDir() {
		return fs.SkipDir
	}
	return nil
}

func packFile(z *zip.Writer, root fs.FS, name string) error {
	info, err := fs.Stat(root, name)
	if err != nil || info.Size() > maxInventoryFile {
		return err
	}
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return err
	}
	f, err := z.Create(name)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return err
}
