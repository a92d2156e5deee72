package resource

import "strings"

// Cert is a key made on the node and its certificate, signed by an authority on the admin side. The
// id's name is "<dir>/{<certificate>,<key>}", as in "/etc/etcd/{server.crt,server.key}".
type Cert struct {
	CN      string
	Names   []string // DNS names and addresses, in any order
	Issuer  string   // CA.Sum of the authority
	Days    int      // lifetime of a new one (parameter cert_validity); not compared
	Due     bool     // two thirds of its life are over, or all of it; never wanted
	Matched bool     // key and certificate belong together
	Owner   string
	Group   string
	Mode    uint32 // of the certificate
	KeyMode uint32
}

// CertName names a pair of files in a directory.
func CertName(dir, cert, key string) string { return dir + "/{" + cert + "," + key + "}" }

// CertPaths gives the two paths back that CertName joined; ok is false for another text.
func CertPaths(name string) (cert, key string, ok bool) {
	dir, pair, found := strings.Cut(name, "/{")
	pair, closed := strings.CutSuffix(pair, "}")
	cert, key, split := strings.Cut(pair, ",")
	return dir + "/" + cert, dir + "/" + key, found && closed && split && cert != "" && key != ""
}

// Kind is KindCert.
func (Cert) Kind() Kind { return KindCert }

// Compare looks at the pair's meaning, not at its bytes.
func (c Cert) Compare(have Spec) []Field {
	h, there := have.(Cert)
	var d fields
	d.text("cn", h.CN, c.CN, 0)
	d.list("names", h.Names, c.Names, 0)
	d.text("issuer", short(h.Issuer), short(c.Issuer), 0)
	if there {
		d.flag("due", h.Due, false, 0)
		d.flag("matched", h.Matched, true, 0)
	}
	d.mode("mode", h.Mode, c.Mode)
	d.mode("key mode", h.KeyMode, c.KeyMode)
	d.owner(h.Owner, c.Owner, h.Group, c.Group)
	return d
}

// Reissue tells whether have can only be mended by a new certificate; otherwise owner and modes do.
func (c Cert) Reissue(have Spec) bool {
	h, there := have.(Cert)
	same := h.CN == c.CN && sorted(h.Names) == sorted(c.Names) && h.Issuer == c.Issuer
	return !there || !same || h.Due || !h.Matched
}
