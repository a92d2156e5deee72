package node_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/executors/node"
	"github.com/pigsync/pigsync/resource"
)

// What a validator says of a secret file may hold the secret; its reasons may be told.
func TestWhatIsToldOfASecretFile(t *testing.T) {
	t.Parallel()
	l := local(t, machine(t))
	l.Run = func(context.Context, node.Command) ([]byte, error) {
		return []byte("line 3: cipher-pass=canary\nreason: the repository does not answer\n"), errors.New("exit status 1")
	}
	f := resource.NewFile([]byte("canary"), 0o600, "", "")
	f.Validate, f.Secret = []string{"check", "{}"}, true
	err := l.Apply(t.Context(), change(id(resource.KindFile, "/secret"), f, nil))
	if err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "refused by check: exit status 1: the repository does not answer") {
		t.Errorf("it failed with %v", err)
	}
	if see(t, l, id(resource.KindFile, "/secret")) != nil {
		t.Error("it was written all the same")
	}
}
