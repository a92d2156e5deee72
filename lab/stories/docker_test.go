package stories

import (
	"testing"
	"time"
)

// tinyImage makes an image of the node's own sleep, without a registry.
const tinyImage = "cd /; tar -ch bin/sleep lib/x86_64-linux-gnu/libc.so.6 lib64/ld-linux-x86-64.so.2 | docker import - tiny; " +
	"docker run -d --name tiny --network none tiny /bin/sleep 100000"

// TestNodeDocker: a container goes on through all that is changed of its engine.
func TestNodeDocker(t *testing.T) {
	long(t)
	s := onBareNodes(t)
	s.serve()
	engine := func(more ...string) machine { return machine{append([]string{"docker_enabled: true"}, more...)} }
	s.commit("an engine", engine())
	s.converges(4 * time.Minute)
	s.agrees()
	s.quietLooks(2, "converged")
	s.holds("the engine is as asked for", "docker info -f '{{.DockerRootDir}} {{.Driver}} {{.CgroupDriver}} {{.LiveRestoreEnabled}}' | grep -qx '/data/docker overlay2 systemd true'")
	s.says(2, 9323, "/metrics", "engine_daemon")
	s.on(2, tinyImage)
	container := func() string { return s.on(2, "docker inspect -f '{{.State.Pid}} {{.State.StartedAt}}' tiny") }
	began, life := container(), s.life(2, "docker")

	s.commit("a mirror", engine("docker_registry_mirrors: [ 'https://mirror.story' ]"))
	s.converges(2 * time.Minute)
	s.holds("the mirror is used", "docker info -f '{{.RegistryConfig.Mirrors}}' | grep -q mirror.story")
	if s.life(2, "docker") != life {
		t.Error("the engine was started anew for a mirror, which it reads again")
	}
	s.commit("another port of the metrics", engine("docker_registry_mirrors: [ 'https://mirror.story' ]", "docker_exporter_port: 9324"))
	s.converges(2 * time.Minute)
	s.says(2, 9324, "/metrics", "engine_daemon")
	if s.life(2, "docker") == life {
		t.Error("the engine was not started anew for a port, which it reads once")
	}
	s.heals("an edited file", "sed -i s/9324/9325/ /etc/docker/daemon.json; systemctl restart docker", "ss -ltn | grep -q :9324")
	s.heals("a stopped engine", "systemctl stop docker.socket docker; systemctl disable docker.socket", "systemctl is-active docker docker.socket && systemctl is-enabled docker.socket")
	if now := container(); now != began {
		t.Errorf("the container has begun at %s, and at %s before", now, began)
	}

	s.commit("no engine", machine{})
	s.converges(2 * time.Minute)
	s.holds("what is left", "! systemctl is-active docker && ! systemctl is-active docker.socket && ! systemctl is-enabled docker && ! test -e /etc/docker/daemon.json && test -d /data/docker/image")
	s.agrees()
}
