package node

import "go/token"

// namePos is where the name of the node is written: the host itself when it is PostgreSQL's.
func (c *compiler) namePos() token.Position {
	if c.vars.namedByPG() {
		return c.host.Pos
	}
	return c.bound.Pos("nodename")
}

// keyPos is where a key of a mapping is written.
func (c *compiler) keyPos(param, key string) token.Position {
	v, _ := c.host.Lookup(param)
	if entry, ok := v.Lookup(key); ok {
		return entry.KeyPos()
	}
	return c.bound.Pos(param)
}

// clusterPos is where the node's cluster is written, or what makes it matter.
func (c *compiler) clusterPos() token.Position {
	if c.bound.Has("node_cluster") {
		return c.bound.Pos("node_cluster")
	}
	return c.bound.Pos("vip_address")
}
