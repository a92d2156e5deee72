package node

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

// store is where a distribution keeps the certificates it trusts.
type store struct {
	anchors, suffix, bundle string
	update                  []string
}

func (v *view) store() (store, error) {
	_, info, err := v.stat("/etc/pki/ca-trust")
	if err != nil {
		return store{}, err
	}
	if info != nil {
		return store{"/etc/pki/ca-trust/source/anchors/", ".crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
			[]string{"update-ca-trust", "extract"}}, nil
	}
	return store{"/usr/local/share/ca-certificates/", ".crt", "/etc/ssl/certs/ca-certificates.crt",
		[]string{"update-ca-certificates"}}, nil
}

func (v *view) anchor(name string) (store, string, error) {
	if name == "" || strings.ContainsAny(name, "/\x00") || name[0] == '.' {
		return store{}, "", fmt.Errorf("%q is no name for a certificate", name)
	}
	st, err := v.store()
	return st, st.anchors + name + st.suffix, err
}

func (v *view) seeTrust(name string) (resource.Spec, error) {
	_, path, err := v.anchor(name)
	if err != nil {
		return nil, err
	}
	s, info, err := v.stat(path)
	if err != nil || info == nil {
		return nil, err
	}
	b, err := s.read(info, maxCert)
	if err != nil {
		return nil, err
	}
	bundle, err := v.bundle()
	if err != nil {
		return nil, err
	}
	return resource.Trust{PEM: string(b), Bundled: bundled(bundle, b)}, nil
}

// readBundle gives the digests of the certificates of the system's bundle.
func (v *view) readBundle() (map[string]bool, error) {
	st, err := v.store()
	if err != nil {
		return nil, err
	}
	b, err := v.small(st.bundle)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", st.bundle, plain(err))
	}
	return certDigests(b), nil
}

func certDigests(b []byte) map[string]bool {
	out := map[string]bool{}
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			out[digestOf(block.Bytes)] = true
		}
	}
	return out
}

// bundled tells whether the bundle has every certificate of an anchor, and there is one.
func bundled(bundle map[string]bool, anchor []byte) bool {
	own := certDigests(anchor)
	for digest := range own {
		if !bundle[digest] {
			return false
		}
	}
	return len(own) > 0
}

func (w *work) makeTrust(ctx context.Context, want resource.Trust, _ resource.Spec) error {
	if len(certDigests([]byte(want.PEM))) == 0 {
		return errors.New("it is no certificate")
	}
	st, path, err := w.anchor(w.id.Name)
	if err != nil {
		return err
	}
	s, err := w.place(path)
	if err != nil {
		return err
	}
	d, err := w.draft(s, []byte(want.PEM), 0o644, "", "")
	if err != nil {
		return err
	}
	if err := w.write(s, d); err != nil {
		return err
	}
	return w.command(ctx, st.update...)
}

func (w *work) removeTrust(ctx context.Context) error {
	st, path, err := w.anchor(w.id.Name)
	if err != nil {
		return err
	}
	if err := w.removeFile(path); err != nil {
		return err
	}
	return w.command(ctx, st.update...)
}
