package register

import (
	"go/token"
	"strings"

	"github.com/pigsync/pigsync/modules"
)

// Record registers names of an address in DNS. The file has the name of its own.
func Record(p *modules.Pass, pos token.Position, file, address string, names ...string) {
	for _, k := range keepers(p.Inventory) {
		if k.DNS {
			k.put(p, pos, k.records(p)+"/"+file, address+" "+strings.Join(names, " ")+"\n", nil)
		}
	}
}
