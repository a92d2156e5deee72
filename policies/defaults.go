package policies

import "github.com/pigsync/pigsync/resource"

// Default is what judges when the daemon's file is silent.
func Default() []*Policy { return Standard(Careful) }

// Standard is the default with other hazards held until they are approved.
func Standard(mask resource.Hazard) []*Policy {
	return append(Always(), Lags(DefaultLag()), DiskSpace(DefaultDisk()), Fights(DefaultFight()), Version(NewestPigsty), Hazards(mask))
}

// Always are the judges that have nothing to be set.
func Always() []*Policy {
	return []*Policy{Frozen(), Safeguards(), Fixed(), Holds(), Clock(), Orphans(), Quorum(), Patroni(), Setbacks(), OneAtATime(), Returns(), Ansible()}
}
