// Package all lists every module, in the order in which they are compiled.
//
// It is the only place that knows them all. A new module is one line here.
package all

import (
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/etcd"
	"github.com/pigsync/pigsync/modules/node"
	"github.com/pigsync/pigsync/modules/pgsql"
)

// Modules is the whole library.
func Modules() []*modules.Module {
	return []*modules.Module{node.Module, etcd.Module, pgsql.Module}
}
