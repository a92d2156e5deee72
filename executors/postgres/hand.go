package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// Hand is what an instance is reached with. Its fields must not be changed once it is used.
type Hand struct {
	// Socket connects to a socket as a user; nil means Peer.
	Socket func(ctx context.Context, path string, uid int) (net.Conn, error)

	mu      sync.Mutex              // guards what follows
	clients map[string]*http.Client // by the file with the authority
	deaf    map[string]deaf         // repositories that did not answer, by cluster
	resting map[berth]*session      // between two looks
}

// The reasons why an instance has no answer for its cluster.
var (
	// ErrElsewhere says that another member leads.
	ErrElsewhere = errors.New("it does not lead")
	// ErrStopped says that nobody listens where Patroni should, and that there are data.
	ErrStopped = errors.New("Patroni does not run")
	// ErrNothing says that nothing runs, and nothing lies in the data directory.
	ErrNothing = errors.New("there is nothing")
)

// Seat is one instance and what its cluster is reached with.
type Seat struct {
	resource.PGSeat
	Cluster  string
	User     string // of Patroni's REST API
	Password resource.Secret
}

// Look is one look at an instance: what several ids need is asked once. It is for one goroutine.
type Look struct {
	// Put writes a file of a user's, in one step; nil where nothing is changed.
	Put func(path, owner string, content []byte) error
	// Restart restarts a unit of the node; nil where nothing is changed.
	Restart func(unit string) error

	h       *Hand
	node    Node
	ctx     context.Context //nolint:containedctx // a look is as long as its call
	seat    Seat
	wanted  wanted
	status  func() (status, error)
	config  func() (map[string]any, error)
	onDisk  func() (disk, error)
	globals func() (*globals, error)
	rooms   sync.Map       // *room by database
	ahead   func()         // asks for what takes long; once
	under   sync.WaitGroup // what is asked ahead
	loaded  func() (resource.PGLoaded, error)
	inside  map[string]func() (*inside, error) // by database
	info    func() (info, error)
	// Tell is told how far a change is that lasts; it may be nil.
	Tell   func(what string, about ...any)
	server func() (server, error)
	letGo  func() // ends the wait for a pause of the pooler; nil where none was asked for
}

// Node is what a look needs of the node beside the instance.
type Node struct {
	Read func(path string) ([]byte, error) // a small file by its absolute path; nil, nil: there is none
	UID  func(name string) (int, error)    // the number of a user
	// Run runs a program as a user; a whole one goes on when this process ends. nil: pgBackRest is not there.
	Run func(ctx context.Context, user string, whole bool, argv ...string) ([]byte, error)
	// Names lists a directory; none when it is not there, or empty.
	Names func(dir string) ([]string, error)
	// Ask runs a command that only looks.
	Ask func(argv ...string) (string, error)
	// Noted tells whether there is a note of ours, and Note makes or drops one.
	Noted func(name string) (bool, error)
	Note  func(name string, on bool) error
}

// Look prepares a look at an instance for those ids; nothing is asked before it is needed.
func (h *Hand) Look(ctx context.Context, seat Seat, node Node, ids []resource.ID) *Look {
	l := &Look{h: h, node: node, ctx: ctx, seat: seat, wanted: sift(seat, ids)}
	l.status = sync.OnceValues(l.askStatus)
	l.config = sync.OnceValues(l.askConfig)
	l.onDisk = sync.OnceValues(l.readDisk)
	l.globals = sync.OnceValues(l.askGlobals)
	l.loaded = sync.OnceValues(l.askLoaded)
	l.info = sync.OnceValues(l.recallInfo)
	l.server = sync.OnceValues(l.askServer)
	l.inside = map[string]func() (*inside, error){}
	for database := range l.wanted.inside {
		l.inside[database] = sync.OnceValues(func() (*inside, error) { return l.askInside(database) })
	}
	l.ahead = sync.OnceFunc(l.askAhead)
	return l
}

// Close lets the sessions of the look rest until the next one, each for its time. It may be used further, and opens
// others then.
func (l *Look) Close() {
	l.under.Wait()
	for database, r := range l.rooms.Range {
		l.leave(database.(string), r.(*room))
	}
}

// See says what is true of an id; nil, nil is absent.
func (l *Look) See(id resource.ID) (resource.Spec, error) {
	l.ahead()
	switch id.Kind {
	case resource.KindPGMember:
		return l.member()
	case resource.KindPGCluster:
		return l.picture()
	case resource.KindPGLoaded:
		return l.seeLoaded()
	case resource.KindPGRules:
		return l.seeRules()
	case resource.KindPGSite:
		return l.site()
	case resource.KindPGAltered:
		return l.seeAltered()
	case resource.KindPGSeated:
		return l.seeSeated()
	case resource.KindPGHealth:
		if id.At != l.seat.Cluster {
			return l.health()
		}
	case resource.KindPGRepo:
		return l.seeRepo()
	case resource.KindPGStanza:
		if id.At != l.seat.Cluster {
			return l.seeStanza()
		}
	}
	if err := l.leads(); err != nil {
		return nil, err
	}
	return l.seeInside(id)
}

// seeInside is what the leader says of what is inside the cluster.
func (l *Look) seeInside(id resource.ID) (resource.Spec, error) {
	switch id.Kind {
	case resource.KindPGHealth:
		return l.clusterHealth()
	case resource.KindPGLeading:
		return resource.PGLeading{Instance: l.seat.Instance}, nil
	case resource.KindPGConfig:
		return l.seeConfig(id.Name)
	case resource.KindPGRole:
		return l.seeRole(id.Name)
	case resource.KindPGDatabase:
		return l.seeDatabase(id.Name)
	case resource.KindPGBaseline:
		return l.seeBaseline(id.Name)
	case resource.KindPGSchema:
		return l.seeSchema(id.Name)
	case resource.KindPGExtension:
		return l.seeExtension(id.Name)
	case resource.KindPGPrivileges:
		return l.seePrivileges(id.Name)
	case resource.KindPGAbsent:
		return l.seeAbsent(id)
	case resource.KindPGOff:
		return l.seeOff(id)
	case resource.KindPGStanza:
		return l.seeStanza()
	case resource.KindPGBackup:
		return l.seeBackup()
	}
	return nil, fmt.Errorf("PostgreSQL has no %s", id.Kind)
}

// Apply makes a change that was judged to be the one of the plan. have is what was seen just now.
func (l *Look) Apply(c diff.Change, have resource.Spec) error {
	defer l.Close()
	l.Close()
	if c.ID.Kind == resource.KindPGDatabase || c.ID.Kind == resource.KindPGAbsent {
		l.clearOut()
	}
	switch want := c.Spec.(type) {
	case resource.PGMember:
		return l.applyMember(c, want, have)
	case resource.PGAltered:
		return l.resetAltered(want, have)
	case resource.PGLeading:
		return l.switchover(want)
	case resource.PGLoaded:
		return l.reload(c.Action)
	case resource.PGRules:
		return l.applyRules(c, want)
	case resource.PGConfig:
		return l.patch(c)
	case resource.PGRole:
		return l.applyRole(c, want, have)
	case resource.PGDatabase:
		return l.applyDatabase(c, want, have)
	case resource.PGBaseline:
		return l.applyBaseline(c, want)
	case resource.PGSchema:
		return l.applySchema(c, want, have)
	case resource.PGExtension:
		return l.applyExtension(c, want, have)
	case resource.PGPrivileges:
		return l.applyPrivileges(c, want, have)
	case resource.PGAbsent:
		return l.applyAbsent(c, want)
	case resource.PGOff:
		return l.applyOff(c)
	case resource.PGStanza:
		return l.applyStanza(c, want)
	case resource.PGBackup:
		return l.applyBackup(c)
	}
	return errNotMade
}

var errNotMade = errors.New("it can only be observed")
