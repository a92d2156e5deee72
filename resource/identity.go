package resource

// Identity is who pigsync is to the nodes: the public keys beside the private ones it logs in with. The id
// is "identity:pigsync@admin". It is only observed.
type Identity struct{ Keys []string }

// Kind is KindIdentity.
func (Identity) Kind() Kind { return KindIdentity }

// Compare finds nothing: nobody wants it to be otherwise.
func (Identity) Compare(Spec) []Field { return nil }

// IdentityID is the id of the one Identity there is.
var IdentityID = ID{Kind: KindIdentity, Name: "pigsync", At: "admin"}
