package resource

// SSHKey is a pair of keys by which an account of a node reaches others. The id's name is the absolute
// path of the private key. It is made on the node and never leaves it; the public one is told.
type SSHKey struct {
	Mode         uint32 // of the private key
	Owner, Group string
	Comment      string // of a pair that is made; only wanted
	Public       string // "ssh-ed25519 AAAA…"; only observed
	Published    bool   // the file beside it, with .pub at its end, holds Public
}

// Kind is KindSSHKey.
func (SSHKey) Kind() Kind { return KindSSHKey }

// Compare wants a pair, whichever it is.
func (k SSHKey) Compare(have Spec) []Field {
	h, there := have.(SSHKey)
	var d fields
	if !there {
		d.text("state", "absent", "present", 0)
	}
	d.mode("mode", h.Mode, k.Mode)
	d.owner(h.Owner, k.Owner, h.Group, k.Group)
	d.flag("published", h.Published, k.Published, 0)
	return d
}

// SSHKeyOf is the id of a pair of keys on a node.
func SSHKeyOf(path, node string) ID { return ID{Kind: KindSSHKey, Name: path, At: node} }
