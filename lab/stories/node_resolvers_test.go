package stories

import (
	"testing"
	"time"
)

// TestNodeResolvers: on a machine whose resolv.conf is made by systemd-resolved, and on one where
// NetworkManager makes it, whoever makes it is told of the servers; they are asked, healed and forgotten.
func TestNodeResolvers(t *testing.T) {
	long(t)
	s := onBareNodes(t)
	s.serve()
	packages := map[int]string{2: ", node_packages: [ systemd-resolved ]", 3: ", node_packages: [ network-manager ]"}
	s.commit("the programs", crew{of: packages})
	s.converges(3 * time.Minute)
	s.on(2, "systemctl start systemd-resolved && readlink /etc/resolv.conf | grep -q systemd/resolve")
	s.on(3, "systemctl start NetworkManager && ln -sf ../run/NetworkManager/resolv.conf /etc/resolv.conf")
	servers := "node_dns_servers: [ 10.10.10.10, 10.10.10.1 ]"
	s.commit("servers are added", crew{vars: []string{"node_dns_method: add", servers}, of: packages})
	s.converges(2 * time.Minute)
	asked := map[int]string{
		2: "resolvectl dns | grep -qx 'Global: 10.10.10.10 10.10.10.1'",
		3: "grep nameserver /etc/resolv.conf | tr '\\n' ' ' | grep -qx 'nameserver 10.10.10.10 nameserver 10.10.10.1 '",
	}
	for n, script := range asked {
		s.on(n, script)
	}
	s.agrees()
	s.quietLooks(2, "converged")

	s.on(2, "rm /etc/systemd/resolved.conf.d/pigsty.conf && systemctl restart systemd-resolved")
	s.on(3, "rm /etc/NetworkManager/conf.d/90-pigsty-dns.conf && systemctl reload NetworkManager")
	for n, script := range asked {
		s.eventually(time.Minute, "the servers are asked again", func() bool {
			_, err := s.node(n).Run(s.Context(), "sh", "-ec", script)
			return err == nil
		})
	}
	s.commit("no others count", crew{vars: []string{"node_dns_method: overwrite", servers}, of: packages})
	s.converges(time.Minute)
	s.on(2, asked[2]+" && resolvectl domain | grep -q '^Global: ~.'")
	s.on(3, asked[3])
	s.commit("all goes", crew{of: packages})
	s.converges(time.Minute)
	s.on(2, "! resolvectl dns | grep -q '^Global: 10.10.10.10' && ! test -e /etc/systemd/resolved.conf.d/pigsty.conf")
	s.on(3, "! grep -q 10.10.10.10 /etc/resolv.conf && ! test -e /etc/NetworkManager/conf.d/90-pigsty-dns.conf")
	s.agrees()
}
