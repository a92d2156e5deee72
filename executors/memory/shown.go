package memory

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// firstNumber is where the made-up numbers of accounts begin.
const firstNumber = 900

// shown is what a hand would observe once a change is made; n is a number nothing else has.
func shown(c diff.Change, n int) resource.Spec {
	switch s := c.Spec.(type) {
	case resource.File:
		return shownFile(s, c.Have)
	case resource.Dir:
		return shownDir(s, c.Have)
	case resource.Package:
		if s.Name, _, _ = strings.Cut(c.ID.Name, "|"); s.Version == "" {
			s.Version = "1.0-1"
		}
		s.Optional = false
		return s
	case resource.Sources:
		return resource.Sources{Active: s.Files}
	case resource.Block:
		s.Alone, s.Adopt = false, false
		return s
	case resource.SSHKey:
		s.Comment, s.Public = "", fmt.Sprintf("ssh-ed25519 AAAA%d", n)
		if h, there := c.Have.(resource.SSHKey); there {
			s.Public = h.Public
		}
		return s
	case resource.Lines:
		s.Adopt = false
		return s
	case resource.Group:
		h, _ := c.Have.(resource.Group)
		s.GID = numbered(s.GID, h.GID, n)
		return s
	case resource.User:
		return shownUser(s, c, n)
	case resource.Cert:
		s.Days, s.Due, s.Matched, s.Names = 0, false, true, slices.Sorted(slices.Values(s.Names))
		s.Owner, s.Group, s.Mode, s.KeyMode = or(s.Owner, "root"), or(s.Group, "root"), or(s.Mode, 0o644), or(s.KeyMode, 0o600)
		return s
	case resource.Unit:
		s.Loads, s.Settle, s.Stale, s.Noted = nil, 0, false, s.Active
		if !s.Active {
			s.Inputs, s.Conf = "", ""
		}
		return s
	}
	return shownOutside(c, n)
}

func shownOutside(c diff.Change, n int) resource.Spec {
	switch s := c.Spec.(type) {
	case resource.CA:
		s.PEM, s.Sum = fmt.Sprintf("certificate %d of %s\n", n, s.Name), fmt.Sprintf("%064x", n)
		return s
	case resource.EtcdMember:
		h, _ := c.Have.(resource.EtcdMember)
		if s.MemberID = h.MemberID; h.MemberID == "" || h.MemberID == s.Lost {
			s.MemberID = fmt.Sprintf("%016x", n)
		}
		s.Lost = ""
		return s
	}
	return shownPG(c)
}

// shownPG is what servers show: the wishes that are for the hands alone are gone.
func shownPG(c diff.Change) resource.Spec {
	switch s := c.Spec.(type) {
	case resource.PGRole:
		return shownRole(s, c.Have)
	case resource.PGDatabase:
		s.Template, s.Strategy = "", ""
		return s
	case resource.PGPrivileges:
		return shownRights(s, c.Have)
	case resource.PGAltered:
		return shownAltered(s, c.Have)
	case resource.PGLeading:
		return resource.PGLeading{Instance: cmp.Or(s.To, "another")}
	}
	return c.Spec
}

func shownAltered(s resource.PGAltered, have resource.Spec) resource.Spec {
	h, _ := have.(resource.PGAltered)
	set := maps.Clone(h.Set)
	maps.DeleteFunc(set, func(name, _ string) bool { return slices.Contains(s.Free, name) })
	return resource.PGAltered{Set: set}
}

func shownRole(s resource.PGRole, have resource.Spec) resource.Spec {
	h, _ := have.(resource.PGRole)
	s.Is, s.Settings = over(h.Is, s.Is), over(h.Settings, s.Settings)
	maps.DeleteFunc(s.Settings, func(_, value string) bool { return strings.EqualFold(value, "default") })
	s.MD5, s.Comment, s.Until = false, or(s.Comment, h.Comment), or(s.Until, h.Until, "infinity")
	if s.Password.Equal(resource.Secret{}) {
		s.Password = h.Password
	}
	if s.Days != nil {
		s.Until = "2030-01-01"
	}
	s.MemberOf = slices.DeleteFunc(slices.Clone(s.MemberOf), func(m resource.PGMembership) bool { return m.Not })
	return s
}

// over is a with what b says on top.
func over[V any](a, b map[string]V) map[string]V {
	out := map[string]V{}
	maps.Copy(out, a)
	maps.Copy(out, b)
	return out
}

func shownRights(s resource.PGPrivileges, have resource.Spec) resource.Spec {
	h, _ := have.(resource.PGPrivileges)
	gone := resource.PGPrivileges{Granted: s.Revoked}.Expand()
	out := resource.PGPrivileges{Granted: append(h.Expand(), s.Expand()...)}.Expand()
	return resource.PGPrivileges{Granted: slices.DeleteFunc(out, func(g resource.PGGrant) bool { return slices.Contains(gone, g) })}
}

func shownFile(s resource.File, have resource.Spec) resource.Spec {
	h, _ := have.(resource.File)
	if s.Sum == h.Sum {
		s.Content = h.Content
	}
	s.Owner, s.Group = or(s.Owner, h.Owner, "root"), or(s.Group, h.Group, "root")
	s.Mode = or(s.Mode, h.Mode, 0o644)
	if s.Mode&0o004 == 0 || len(s.Content) == 0 {
		s.Content = nil
	}
	s.Validate, s.Secret = nil, false
	return s
}

func shownDir(s resource.Dir, have resource.Spec) resource.Spec {
	h, there := have.(resource.Dir)
	s.Owner, s.Group = or(s.Owner, h.Owner, "root"), or(s.Group, h.Group, "root")
	s.Mode = or(s.Mode, h.Mode, 0o755)
	s.Vacant, s.Data = !there || s.Vacant || h.Vacant, false
	return s
}

// shownUser knows that groups are only ever added.
func shownUser(s resource.User, c diff.Change, n int) resource.Spec {
	h, _ := c.Have.(resource.User)
	s.UID = numbered(s.UID, h.UID, n)
	s.Group = or(s.Group, h.Group, c.ID.Name)
	s.Home, s.Shell = or(s.Home, h.Home, "/home/"+c.ID.Name), or(s.Shell, h.Shell, "/bin/sh")
	groups := slices.Sorted(slices.Values(append(slices.Clone(h.Groups), s.Groups...)))
	s.Groups = slices.Compact(groups)
	return s
}

// numbered keeps a number that is there, since nothing is ever renumbered.
func numbered(want, have, n int) int { return or(have, want, firstNumber+n) }

// or is the first that is not zero.
func or[T comparable](values ...T) T {
	var zero T
	for _, v := range values {
		if v != zero {
			return v
		}
	}
	return zero
}
