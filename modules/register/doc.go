// Package register tells the hosts of INFRA what there is to watch, to name and to show. A module says it of
// what it has made, and the files are put where the programs there look for them by themselves:
//
//	Target ─► a file of file_sd      metrics to fetch         where metrics are kept (vmetrics_enabled)
//	Record ─► a file of hosts        names and addresses      where dnsmasq runs (dns_enabled)
//	Source ─► a file of provisioning databases for dashboards where the package of Grafana is installed
//
// They belong to whoever registers, and go with its lines. None of those programs is told: the first two
// notice new files, and Grafana reads its own when it starts or when somebody asks it to.
package register
