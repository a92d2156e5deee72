package hba

import (
	"net/netip"
	"strings"
)

// Conn is somebody who wants to connect.
type Conn struct {
	Local       bool       // over the socket
	Addr        netip.Addr // otherwise: from where
	TLS         bool
	Replication bool   // a connection that streams, which is to no database
	Database    string // otherwise
	User        string
}

// Roles answers whether user is role, or is in it, through others too.
type Roles func(user, role string) bool

// Match tells whether the line speaks of the connection. Sure is false where it depends on what is not
// known here: the name of an address, the server's own network, an expression of PostgreSQL's.
func (l *Line) Match(c Conn, in Roles) (match, sure bool) {
	match, sure = true, true
	for _, part := range []func(Conn, Roles) (bool, bool){l.matchType, l.matchAddr, l.matchDatabase, l.matchUser} {
		m, s := part(c, in)
		if !m && s {
			return false, true
		}
		sure = sure && s
	}
	return match, sure
}

func (l *Line) matchType(c Conn, _ Roles) (match, sure bool) {
	switch l.Type {
	case "local":
		return c.Local, true
	case "hostssl":
		return !c.Local && c.TLS, true
	case "hostnossl":
		return !c.Local && !c.TLS, true
	case "hostgssenc":
		return false, true
	}
	return !c.Local, true
}

func (l *Line) matchAddr(c Conn, _ Roles) (match, sure bool) {
	switch {
	case c.Local || l.Addr.Word == "all":
		return true, true
	case l.Addr.Word == "samehost":
		return c.Addr.IsLoopback(), c.Addr.IsLoopback()
	case l.Addr.Word != "":
		return true, false
	}
	return l.Addr.Prefix.Contains(c.Addr.Unmap()), true
}

func (l *Line) matchDatabase(c Conn, in Roles) (match, sure bool) {
	unsure := false
	for _, t := range l.Databases {
		switch {
		case t.is("replication"):
			if c.Replication {
				return true, true
			}
		case c.Replication:
			continue // neither all nor a name is for connections that stream
		case t.is("all") || t.is("sameuser") && c.User == c.Database:
			return true, true
		case t.is("samerole") || t.is("samegroup"):
			if in(c.User, c.Database) {
				return true, true
			}
		case t.Text[0] == '/':
			re, known := l.patterns[t.Text]
			if known && re.MatchString(c.Database) {
				return true, true
			}
			unsure = unsure || !known
		case !t.is("sameuser") && t.Text == c.Database:
			return true, true
		}
	}
	return unsure, !unsure
}

func (l *Line) matchUser(c Conn, in Roles) (match, sure bool) {
	unsure := false
	for _, t := range l.Users {
		switch {
		case t.is("all"):
			return true, true
		case !t.Quoted && t.Text[0] == '+':
			if in(c.User, t.Text[1:]) {
				return true, true
			}
		case t.Text[0] == '/':
			re, known := l.patterns[t.Text]
			if known && re.MatchString(c.User) {
				return true, true
			}
			unsure = unsure || !known
		case t.Text == c.User:
			return true, true
		}
	}
	return unsure, !unsure
}

// Decide finds the line that decides about a connection: the first that matches. Sure is false when
// it could also be an earlier or a later one. The index is -1 when no line matches: then nobody is let in.
func Decide(lines []*Line, c Conn, in Roles) (index int, sure bool) {
	sure = true
	for i, l := range lines {
		match, known := l.Match(c, in)
		if match && known {
			return i, sure
		}
		sure = sure && known
	}
	return -1, sure
}

// Covers tells whether every connection that other speaks of is one of l's, for certain.
func (l *Line) Covers(other *Line, in Roles) bool {
	return l.coversType(other) && l.coversAddr(other) && coversNames(l.Databases, other.Databases, l.databaseIn(in)) &&
		coversNames(l.Users, other.Users, l.userIn(in))
}

func (l *Line) coversType(o *Line) bool {
	if l.Type == o.Type {
		return true
	}
	return l.Type == "host" && o.Type != "local"
}

func (l *Line) coversAddr(o *Line) bool {
	switch {
	case l.Type == "local" || l.Addr.Word == "all":
		return true
	case l.Addr.Word != "":
		return l.Addr.Word == o.Addr.Word || strings.HasPrefix(l.Addr.Word, ".") && strings.HasSuffix(o.Addr.Word, l.Addr.Word)
	case o.Addr.Word != "":
		return false
	}
	return l.Addr.Prefix.Bits() <= o.Addr.Prefix.Bits() && l.Addr.Prefix.Contains(o.Addr.Prefix.Addr())
}

// coversNames wants a word of ours for each word of theirs.
func coversNames(ours, theirs []Token, covers func(ours, theirs Token) bool) bool {
	for _, t := range theirs {
		found := false
		for _, o := range ours {
			found = found || o == t || covers(o, t)
		}
		if !found {
			return false
		}
	}
	return true
}

func (l *Line) databaseIn(Roles) func(ours, theirs Token) bool {
	return func(ours, theirs Token) bool {
		switch {
		case theirs.is("replication"):
			return ours.is("replication")
		case ours.is("all"):
			return true
		}
		return l.plain(ours, theirs)
	}
}

func (l *Line) userIn(in Roles) func(ours, theirs Token) bool {
	return func(ours, theirs Token) bool {
		switch {
		case ours.is("all"):
			return true
		case theirs.is("all"):
			return false
		case !ours.Quoted && ours.Text[0] == '+':
			return theirs.Text[0] != '/' && in(member(theirs), ours.Text[1:])
		}
		return l.plain(ours, theirs)
	}
}

// member is the role a word stands for: a group's members are where the group is.
func member(t Token) string {
	if t.Quoted {
		return t.Text
	}
	return strings.TrimPrefix(t.Text, "+")
}

// plain compares words that stand for names, or for an expression that names fit.
func (l *Line) plain(ours, theirs Token) bool {
	special := theirs.Text[0] == '/' || !theirs.Quoted && (theirs.Text[0] == '+' || theirs.is("all") || theirs.is("sameuser") || theirs.is("samerole") || theirs.is("samegroup"))
	if special {
		return false
	}
	if re, ok := l.patterns[ours.Text]; ok {
		return re.MatchString(theirs.Text)
	}
	return ours.Text == theirs.Text && !ours.is("sameuser") && !ours.is("samerole") && !ours.is("replication")
}
