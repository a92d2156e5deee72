package node

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

// Docker is the container engine of a node. Nothing is made of images: they are Docker's own affair.
type Docker struct {
	DockerEnabled  bool     `var:"docker_enabled" default:"false" doc:"Run the container engine."`
	DockerData     string   `var:"docker_data" default:"/data/docker" kind:"path" doc:"Where images, containers and volumes lie."`
	DockerStorage  string   `var:"docker_storage_driver" default:"overlay2" pattern:"[a-z0-9.-]+" doc:"How the layers of images are kept."`
	DockerCgroups  string   `var:"docker_cgroups_driver" default:"systemd" pattern:"[a-z0-9.-]+" doc:"Who makes the control groups of containers."`
	DockerMirrors  []string `var:"docker_registry_mirrors" doc:"The URLs of mirrors to fetch images from."`
	DockerExporter int      `var:"docker_exporter_port" default:"9323" kind:"port" doc:"The port of the engine's metrics."`
	DockerImages   []string `var:"docker_image" doc:"Images to fetch."`
	DockerCache    string   `var:"docker_image_cache" default:"/tmp/docker/*.tgz" kind:"path" doc:"Archives of images to load."`
}

// proxies are those through which images are fetched. They may hold passwords.
type proxies struct {
	Env map[string]inventory.Secret `var:"proxy_env" doc:"The proxies to fetch packages through, as variables of the environment."`
}

const (
	dockerConf = "/etc/docker/daemon.json"
	// mirrorsLine begins the one line of daemon.json that a running engine reads again.
	mirrorsLine = `  "registry-mirrors"`
	// dockerJudge lets dockerd judge its configuration; before release 23 it does not know how.
	dockerJudge = `dockerd --help 2>&1 | grep -q -e --validate || exit 0; exec dockerd --validate --config-file "$1"`
)

// docker wants the engine. A change of its mirrors is read by the running engine; any other starts it anew,
// through which containers go on (live-restore).
func (c *compiler) docker(repos []resource.ID) {
	if !c.vars.DockerEnabled {
		return
	}
	pos, node := c.bound.Pos("docker_enabled"), c.host.Addr
	after := []resource.ID{c.install(pos, "docker-ce|docker.io", repos)}
	if c.facts.Distro == "debian" && c.facts.Release != "12" { // elsewhere the engine brings it
		after = append(after, c.install(pos, "docker-ce-cli|docker-cli", after))
	}
	dir := c.Keep(pos, modules.DirOf("/etc/docker", node), resource.Dir{Mode: 0o755, Owner: "root", Group: "root"})
	text, secret := c.daemonJSON()
	file := resource.NewFile(text, 0o644, "root", "root")
	if secret {
		file.Mode, file.Secret = 0o600, true
	}
	file.Validate = []string{"sh", "-c", dockerJudge, "dockerd", "{}"}
	after = append(after, c.Parents(pos, node, c.vars.DockerData)...)
	conf := c.Tend(pos, modules.FileOf(dockerConf, node), file, append(after, dir)...)
	unit := modules.Reads(resource.Unit{Active: true, Enabled: true, Noted: true, Settle: settle},
		modules.Loaded{Path: dockerConf, Content: text, Skip: mirrorsLine},
		modules.Loaded{Path: dockerConf, Content: text, Conf: true})
	socket := c.Tend(pos, modules.UnitOf("docker.socket", node), resource.Unit{Active: true, Enabled: true, Noted: true}, conf)
	c.Tend(pos, modules.UnitOf("docker", node), unit, conf, socket)
}

// daemonJSON is the engine's configuration, a line each, and whether it holds a password.
func (c *compiler) daemonJSON() (text []byte, secret bool) {
	lines := []string{
		setting("data-root", c.vars.DockerData),
		setting("exec-opts", []string{"native.cgroupdriver=" + c.vars.DockerCgroups}),
		setting("live-restore", true),
		setting("log-driver", "json-file"),
		setting("log-opts", map[string]string{"max-size": "10m", "max-file": "3"}),
		setting("metrics-addr", netip.AddrPortFrom(c.host.IP, uint16(c.vars.DockerExporter)).String()),
	}
	if p := c.dockerProxies(); len(p) > 0 {
		lines, secret = append(lines, setting("proxies", p)), true
	}
	mirrors := append([]string{}, c.vars.DockerMirrors...) // never null
	lines = append(lines, setting("registry-mirrors", mirrors), setting("storage-driver", c.vars.DockerStorage))
	return []byte("{\n" + strings.Join(lines, ",\n") + "\n}\n"), secret
}

// setting is a line of daemon.json.
func setting(name string, value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // the values are all ours
	}
	return fmt.Sprintf("  %q: %s", name, text)
}

// dockerProxies are the proxies for images; only where there is one does it matter what goes past it.
func (c *compiler) dockerProxies() map[string]string {
	var v proxies
	inventory.Bind(c.host, &v) // what is wrong with it is INFRA's to report
	p := map[string]string{}
	for _, name := range []string{"http_proxy", "https_proxy", "no_proxy"} {
		if s := v.Env[name]; !s.IsZero() {
			p[strings.ReplaceAll(name, "_", "-")] = s.Reveal()
		}
	}
	if p["http-proxy"] == "" && p["https-proxy"] == "" {
		return nil
	}
	return p
}
