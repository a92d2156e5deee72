package node

import (
	"path"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

// chronyMarker is around our part of chrony's configuration.
const chronyMarker = "pigsty chrony"

// chronyPlaces are where a system has chrony's files, and what it calls the service.
type chronyPlaces struct{ Unit, Main, Sources, Confs, Drift, Keys string }

var (
	debianChrony = chronyPlaces{"chrony", "/etc/chrony/chrony.conf", "/etc/chrony/sources.d", "/etc/chrony/conf.d", "/var/lib/chrony/chrony.drift", "/etc/chrony/chrony.keys"}
	redhatChrony = chronyPlaces{"chronyd", "/etc/chrony.conf", "/etc/chrony.d", "", "/var/lib/chrony/drift", "/etc/chrony.keys"}
)

// chrony keeps the clock. The package takes the place of any other time daemon; its own configuration stays
// in the file, out of force, and comes back with it when the line goes. Then the service runs on.
func (c *compiler) chrony(repos []resource.ID) {
	if !c.vars.NTPEnabled {
		return
	}
	pos, node := c.bound.Pos("node_ntp_servers"), c.host.Addr
	at := debianChrony
	if c.facts.Packages == "rpm" {
		at = redhatChrony
	}
	pkg := c.install(pos, "chrony", repos)
	sources, more := c.timeSources()
	main := render("chrony.conf", struct {
		chronyPlaces
		More, Allow []string
	}{at, more, c.timeClients()})
	block := resource.ID{Kind: resource.KindBlock, Name: resource.LinesName(at.Main, chronyMarker), At: node}
	c.Tend(pos, block, resource.Block{Text: string(main), Alone: true}, pkg)
	dir := pkg // which brings the directory on Debian
	if at == redhatChrony {
		dir = c.Keep(pos, modules.DirOf(at.Sources, node), resource.Dir{}, pkg)
	}
	files := []modules.Loaded{
		{Path: at.Sources + "/pigsty.sources", Content: lineByLine(sources), Conf: true},
		{Path: "/etc/systemd/system/" + at.Unit + ".service.d/pigsty.conf", Content: render("chrony-reload.conf", nil)},
	}
	extra := c.Keep(pos, modules.DirOf(path.Dir(files[1].Path), node), resource.Dir{}, pkg)
	c.Tend(pos, modules.FileOf(files[0].Path, node), resource.NewFile(files[0].Content, 0o644, "root", "root"), dir)
	c.Tend(pos, modules.FileOf(files[1].Path, node), resource.NewFile(files[1].Content, 0o644, "root", "root"), extra)
	unit := modules.Reads(resource.Unit{Active: true, Enabled: true, Noted: true, Settle: 1}, files[0], modules.Loaded{Path: at.Main, Content: main})
	unit.Loads = append(unit.Loads, resource.Load{Path: at.Sources, Files: "*.sources", Conf: true})
	c.Keep(pos, modules.UnitOf(at.Unit, node), unit, block, modules.FileOf(files[0].Path, node), modules.FileOf(files[1].Path, node))
}

// timeSources are the lines of node_ntp_servers: those that a reload reads again, and others. The admin node
// does not take its time from itself.
func (c *compiler) timeSources() (sources, others []string) {
	for _, line := range c.vars.NTPServers {
		if strings.Contains(line, "${admin_ip}") && c.host.Addr == c.vars.AdminIP {
			continue
		}
		words := strings.Fields(c.vars.expand(line, c.facts))
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "#"):
		case slices.Contains([]string{"server", "pool", "peer"}, strings.ToLower(words[0])):
			sources = append(sources, strings.Join(words, " "))
		default:
			others = append(others, strings.Join(words, " "))
		}
	}
	return sources, others
}

// timeClients are the networks to which the admin node gives the time, when a node asks it to.
func (c *compiler) timeClients() (networks []string) {
	if !c.served || c.host.Addr != c.vars.AdminIP {
		return nil
	}
	for _, net := range c.vars.Intranet {
		networks = append(networks, net.String())
	}
	return networks
}

// servesTime tells whether a node takes its time from the admin node.
func servesTime(cs []*compiler) bool {
	return slices.ContainsFunc(cs, func(c *compiler) bool {
		return c.vars.NTPEnabled && c.host.Addr != c.vars.AdminIP && slices.ContainsFunc(c.vars.NTPServers, func(line string) bool {
			return slices.Contains(strings.Fields(c.vars.expand(line, c.facts)), c.vars.AdminIP)
		})
	})
}

func lineByLine(lines []string) []byte {
	if len(lines) == 0 {
		return nil
	}
	return []byte(strings.Join(lines, "\n") + "\n")
}
