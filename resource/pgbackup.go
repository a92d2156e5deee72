package resource

import "time"

// PGSaved is one backup.
type PGSaved struct {
	Label string    // "20261121-215423F"
	Type  string    // "full", "diff" or "incr"
	Ended time.Time `json:",omitzero"`
	// Sound says that no page of it failed its checksum, and that the write-ahead log it needs is in the
	// repository.
	Sound bool
}

// PGKept is what a repository holds of a cluster: observed, never wanted.
type PGKept struct {
	Backups int     // how many a cluster can be restored from
	Full    PGSaved // the last full one; the zero value where there is none
	Last    PGSaved // the last one of any type
	Log     string  // the newest segment of the write-ahead log that is archived
	Busy    bool    // a backup is under way on that node
	Percent int     // of it, as far as pgBackRest says
}

// LastBackup says when the last backup ended, and the last one that is sound; the zero time is never.
func (k PGKept) LastBackup() (ended, verified time.Time) {
	switch {
	case k.Last.Sound:
		verified = k.Last.Ended
	case k.Full.Sound:
		verified = k.Full.Ended
	}
	return k.Last.Ended, verified
}

// PGStanza is the place of a cluster in a repository of pgBackRest. The id is "pgstanza:<cluster>@<cluster>"
// for a repository that all members share, which the leader is asked about, and
// "pgstanza:<instance>@<node>" for one that each member has for itself. Absent means that the repository
// was reached and has no such place. Wanted is whose backups it keeps.
type PGStanza struct {
	System string // system identifier; wanted "" is any
	Major  int    // only observed
	PGKept
}

// Kind is KindPGStanza.
func (PGStanza) Kind() Kind { return KindPGStanza }

// Compare sees in another cluster's backups what must never be given up without somebody's word.
func (s PGStanza) Compare(have Spec) []Field {
	h, there := have.(PGStanza)
	var d fields
	switch {
	case !there:
		d.text("state", "absent", "present", 0)
	case s.System != "":
		d.text("system", h.System, s.System, DataLoss)
	}
	return d
}

// Loss is that of the backups.
func (PGStanza) Loss() Hazard { return DataLoss }

// PGBackup is the wish for a first full backup of a cluster, taken by its leader. It holds as soon as one is
// under way, too: it may take hours. The id is "pgbackup:<cluster>@<cluster>".
type PGBackup struct {
	Taken bool // wanted true: that there is one; false: nothing
	PGKept
}

// Kind is KindPGBackup.
func (PGBackup) Kind() Kind { return KindPGBackup }

// Empty tells whether no backup is asked for.
func (b PGBackup) Empty() bool { return !b.Taken }

// Compare asks for a backup only where there is none.
func (b PGBackup) Compare(have Spec) []Field {
	h, _ := have.(PGBackup)
	var d fields
	if b.Taken {
		d.flag("taken", h.Taken, true, 0)
	}
	return d
}

// Loss is that of the backups.
func (PGBackup) Loss() Hazard { return DataLoss }

// PGRepo is the gate before a cluster is made: its repository answers, and keeps nothing of another cluster
// under its name. The id is "pgrepo:<instance>@<node>".
type PGRepo struct {
	Ready bool
	Why   string // it is not; only observed
}

// Kind is KindPGRepo.
func (PGRepo) Kind() Kind { return KindPGRepo }

// Gate makes it waited for.
func (PGRepo) Gate() {}

// Compare waits for a repository that is ready.
func (r PGRepo) Compare(have Spec) []Field {
	h, _ := have.(PGRepo)
	var d fields
	d.flag("ready", h.Ready, r.Ready, 0)
	return d
}

// PGStanzaOf is the id of the place that members share.
func PGStanzaOf(cluster string) ID { return ID{Kind: KindPGStanza, Name: cluster, At: cluster} }

// PGOwnStanzaOf is the id of the place that a member has for itself.
func PGOwnStanzaOf(instance, node string) ID { return ID{Kind: KindPGStanza, Name: instance, At: node} }

// PGBackupOf is the id of a cluster's backup.
func PGBackupOf(cluster string) ID { return ID{Kind: KindPGBackup, Name: cluster, At: cluster} }
