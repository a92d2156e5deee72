// Package all lists every module, in the order in which they are compiled.
//
// It is the only place that knows them all. A new module is one line here.
package all

import (
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/etcd"
	"github.com/pigsync/pigsync/modules/fleet"
	"github.com/pigsync/pigsync/modules/infra"
	"github.com/pigsync/pigsync/modules/minio"
	"github.com/pigsync/pigsync/modules/node"
	"github.com/pigsync/pigsync/modules/pgsql"
	"github.com/pigsync/pigsync/modules/redis"
)

// Modules is the whole library.
func Modules() []*modules.Module {
	return []*modules.Module{
		node.Module, infra.Module, etcd.Module, minio.Module, pgsql.Module, redis.Module,
		node.Defaults, // what nobody wanted before
		fleet.Module,  // compares all of them
	}
}
