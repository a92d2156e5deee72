package server

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Role is a right that a caller may have.
type Role string

// The roles. Whoever has any of them may view.
const (
	View    Role = "view"    // read status, history, plans and events
	Plan    Role = "plan"    // ask what an inventory that is not merged yet would do
	Approve Role = "approve" // let a held plan through, unless it may lose data
	Sync    Role = "sync"    // have the repository and the fleet looked at now
	Suspend Role = "suspend" // hold owners, and end holds
	Destroy Role = "destroy" // approve also what may lose data
)

// Roles are all there are.
var Roles = []Role{View, Plan, Approve, Sync, Suspend, Destroy}

// Caller is somebody who may ask.
type Caller struct {
	Name        string
	Roles       []Role
	Inventories []string          // what he may ask about; empty means all
	Until       time.Time         // when that ends; zero means never
	Token       [sha256.Size]byte // the SHA-256 of his token; zero means that he has none
	Certificate string            // the common name of his certificate; "" means that he has none
}

// Access says who may ask what. The zero value lets nobody but those whom a route asks nothing of.
type Access struct {
	Callers   []Caller
	Anonymous []Role // of whoever does not say who he is
}

var (
	errUnknown   = errors.New("neither the token nor the certificate is known")
	errExpired   = errors.New("the token has expired")
	errForbidden = errors.New("that is not among your roles")
)

// identify finds who asks. Whoever names himself and is not known is nobody, not anonymous.
func (a Access) identify(r *http.Request, now time.Time) (Caller, error) {
	caller, named := Caller{Roles: a.Anonymous}, false
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		caller, named = a.byToken(token), true
	} else if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		caller, named = a.byCertificate(r.TLS.VerifiedChains[0][0].Subject.CommonName), true
	}
	switch {
	case named && caller.Name == "":
		return Caller{}, errUnknown
	case !caller.Until.IsZero() && !now.Before(caller.Until):
		return Caller{}, errExpired
	}
	return caller, nil
}

// byToken compares with all, each in constant time.
func (a Access) byToken(token string) (found Caller) {
	sum := sha256.Sum256([]byte(token))
	for _, c := range a.Callers {
		if c.Token != [sha256.Size]byte{} && subtle.ConstantTimeCompare(sum[:], c.Token[:]) == 1 {
			found = c
		}
	}
	return found
}

func (a Access) byCertificate(name string) Caller {
	for _, c := range a.Callers {
		if name != "" && c.Certificate == name {
			return c
		}
	}
	return Caller{}
}

// may tells whether a role is among those of the caller, or follows from one of them.
func (c Caller) may(role Role) bool {
	return slices.Contains(c.Roles, role) || role == View && len(c.Roles) > 0 ||
		role == Approve && slices.Contains(c.Roles, Destroy)
}

// sees tells whether the caller may ask about an inventory.
func (c Caller) sees(inventory string) bool {
	return len(c.Inventories) == 0 || slices.Contains(c.Inventories, inventory)
}

// String is how the caller stands in the journal.
func (c Caller) String() string {
	if c.Name == "" {
		return "anonymous"
	}
	return c.Name
}

type callerKey struct{}

func callerOf(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}

// allowed lets only those to next who have the role. What an inventory that a caller may not see
// answers is what one that does not exist answers.
func (w *windows) allowed(role Role, next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		caller, err := w.Access.identify(r, w.Now())
		name := r.PathValue("inventory")
		switch {
		case err != nil:
			w.turnedAway(r, err)
			rw.Header().Set("WWW-Authenticate", `Bearer realm="pigsync"`)
			refuse(rw, http.StatusUnauthorized, err.Error())
		case !caller.may(role) && caller.Name == "":
			rw.Header().Set("WWW-Authenticate", `Bearer realm="pigsync"`)
			refuse(rw, http.StatusUnauthorized, "a token is wanted, of a caller with the role "+string(role))
		case !caller.may(role):
			w.turnedAway(r, errForbidden)
			refuse(rw, http.StatusForbidden, "the role "+string(role)+" is wanted")
		case name != "" && !caller.sees(name):
			refuse(rw, http.StatusNotFound, noInventory)
		default:
			next.ServeHTTP(rw, r.WithContext(context.WithValue(r.Context(), callerKey{}, caller)))
		}
	})
}
