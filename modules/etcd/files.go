package etcd

import (
	"bytes"
	"embed"
	"strconv"
	"strings"
	"text/template"
)

//go:embed templates
var files embed.FS

var templates = template.Must(template.ParseFS(files, "templates/*"))

// serviceText is the unit file, which stands in the place of the package's own.
var serviceText = render("etcd.service", nil)

// quota is what etcd may keep on disk, in bytes: Pigsty's 8 GiB.
const quota = 8 << 30

// onFirstStart begins the lines of etcd.conf that matter only while the data directory is empty.
const onFirstStart = "initial-"

func render(name string, data any) []byte {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, data); err != nil {
		panic(err) // the template and its data are both ours
	}
	return b.Bytes()
}

// conf renders etcd.conf. The state is "new" for every member that belongs: with it etcd refuses to
// start one that has lost its data, instead of letting it forget what it has voted for.
func (c *cluster) conf(m *member) []byte {
	initial, state := c.initialCluster(), "new"
	if m.join != "" {
		initial, state = m.join, "existing"
	}
	client := "https://" + m.clientAddr()
	return render("etcd.conf", map[string]any{
		"Name": m.name, "Data": m.vars.Data, "Cluster": c.called,
		"Client": client, "ListenClient": client + ",https://127.0.0.1:" + strconv.Itoa(m.vars.Port),
		"Peer": m.peerURL(), "InitialCluster": initial, "InitialState": state,
		"Heartbeat": m.vars.Heartbeat, "Election": m.vars.Election, "Quota": quota,
	})
}

func (c *cluster) profile() []byte {
	var ends []string
	for _, m := range c.members {
		ends = append(ends, "https://"+m.clientAddr())
	}
	return render("etcdctl.sh", map[string]any{"Endpoints": strings.Join(ends, ",")})
}

const formedText = "This node is a member of an etcd cluster that has lived.\n" +
	"As long as any node has this file, pigsync bootstraps no new cluster in its place.\n"
