package pgsql

// The codes of this module's problems. They keep their meaning; a retired one is not used again.
const (
	// Who is who.

	CodeName      = "PG001" // a cluster's name that etcd, DNS or the system would refuse
	CodeStray     = "PG002" // a host with half an identity: a number or a role, and no cluster
	CodeSameSeq   = "PG003" // two members with one pg_seq
	CodePrimaries = "PG004" // more than one initial primary
	CodeNoPrimary = "PG005" // no initial primary
	CodeTwoHomes  = "PG006" // a host that two groups put into different clusters
	CodeDisagree  = "PG007" // members disagree on what only a cluster can have
	CodeGlobal    = "PG008" // pg_cluster, pg_seq or pg_role for all hosts
	CodePrefix    = "PG009" // the name of one cluster begins that of another
	CodeSameName  = "PG010" // a cluster called like an instance, or like another cluster but for case
	CodeUpstream  = "PG011" // pg_upstream names nobody to follow
	CodeCircle    = "PG012" // members, or clusters, that follow each other in a circle
	CodeDelay     = "PG013" // pg_delay where nothing is delayed

	// The virtual address of the leader.

	CodeSameVIP  = "PG020" // two clusters with one address
	CodeTakenVIP = "PG021" // an address that a host has
	CodeFarVIP   = "PG022" // outside the network of the hosts
	CodeBadVIP   = "PG023" // no address that can be kept, or a mask that cannot be meant
)
