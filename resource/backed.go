package resource

import "time"

// Backed is a Spec that tells of the backups of a cluster: when the last one ended that can be restored, and
// when one was last verified, by whatever reads it again. Zero is never.
type Backed interface {
	LastBackup() (ended, verified time.Time)
}
