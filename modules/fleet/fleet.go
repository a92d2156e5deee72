package fleet

import "github.com/pigsync/pigsync/modules"

// Module is no module of Pigsty: it compares those that are.
var Module = &modules.Module{
	Name: "fleet", Doc: "what only all modules together can tell",
	Compile: compile,
}

// The codes of the problems between modules.
const (
	CodePort        = "NET001" // two programs of a node with one port
	CodeTaken       = "NET002" // a shared address that a host has
	CodeTwoVIPs     = "NET003" // an address that two kinds of sharing claim
	CodeTwoHomes    = "NET004" // a host that two groups put into different clusters
	CodeGroupName   = "NET005" // a group that is called otherwise than its cluster
	CodeGlobal      = "NET006" // for all hosts, what only one can have
	CodeSample      = "NET007" // an address of the sample
	CodePlaceholder = "NET008" // a placeholder that nothing replaces
	CodeServiceName = "NET009" // a service whose file is that of a PostgreSQL cluster
)

func compile(p *modules.Pass) {
	checkPorts(p)
	checkVIPs(p)
	checkHomes(p)
	checkGroupNames(p)
	checkGlobals(p)
	checkTexts(p)
}
