package ssh

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

// Identity tells which public keys stand beside the private ones that are offered to every node. A private
// key without one is told of by none, and an agent's keys are not: they are somebody's at a terminal.
type Identity struct{ KeyFiles []string }

var _ executors.Executor = (*Identity)(nil)

// Observe reads the public keys. What is not there, or is no key, is left out.
func (i *Identity) Observe(_ context.Context, ids []resource.ID) map[resource.ID]resource.State {
	out := make(map[resource.ID]resource.State, len(ids))
	for _, id := range ids {
		if id != resource.IdentityID {
			out[id] = resource.State{Err: fmt.Errorf("observe %s: there is only %s", id, resource.IdentityID)}
			continue
		}
		out[id] = resource.State{Spec: i.read()}
	}
	return out
}

func (i *Identity) read() (found resource.Identity) {
	for _, name := range i.KeyFiles {
		text, err := os.ReadFile(name + ".pub")
		if err != nil {
			continue
		}
		if key, _, _, _, err := ssh.ParseAuthorizedKey(text); err == nil {
			found.Keys = append(found.Keys, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))))
		}
	}
	return found
}

// Apply refuses: who pigsync is is not for it to change.
func (*Identity) Apply(_ context.Context, c diff.Change) error {
	return fmt.Errorf("apply %s: %w", c.ID, errors.ErrUnsupported)
}
