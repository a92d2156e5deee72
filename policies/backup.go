package policies

import (
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// Backup is how old the last backup may be when data can be lost.
type Backup struct {
	Scope    Scope         // of Hazards it says nothing: it is about the loss of data
	Within   time.Duration // of the end of the last one
	Verified time.Duration // of the last time one was read again; 0: that does not matter
}

// Backups holds what may lose data of a PostgreSQL cluster as long as there is no recent backup of it, approved
// or not. Where nobody knows of the backups there are none.
func Backups(b Backup) *Policy {
	b.Scope.Hazards = resource.DataLoss
	return &Policy{
		Name: "backup",
		Doc:  "holds what may lose data until there is a recent backup",
		Judge: func(c *Case) []Objection {
			return eachStep(c, Hold, "PS122", func(s diff.Step) string {
				cluster, of := pgCluster(s)
				if !of || !b.Scope.Covers(s) {
					return ""
				}
				state := c.Have[resource.PGBackupOf(cluster)]
				known, tells := state.Spec.(resource.Backed)
				if state.Err != nil || !tells {
					return "nobody knows of a backup of " + cluster
				}
				return b.reason(c.Now, known)
			})
		},
	}
}

func (b Backup) reason(now time.Time, known resource.Backed) string {
	ended, verified := known.LastBackup()
	switch {
	case ended.IsZero():
		return "there is no backup"
	case ended.After(now), now.Sub(ended) > b.Within:
		return "the last backup ended at " + moment(ended) + ", not within " + b.Within.String()
	case b.Verified == 0:
		return ""
	case verified.IsZero():
		return "no backup was verified"
	case verified.After(now), now.Sub(verified) > b.Verified:
		return "a backup was last verified at " + moment(verified) + ", not within " + b.Verified.String()
	}
	return ""
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }
