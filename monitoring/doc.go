// Package monitoring holds what watches over pigsync itself: the rules that make alerts of its metrics, and the
// dashboards that show them. The rules are a file for Prometheus, tested by promtool. The dashboards are written
// here as values of Go and put out as the JSON that Grafana provisions: go test ./monitoring -update.
//
//	pigsync.rules.yml   what Prometheus or vmalert records and alerts on
//	dashboards/*.json   Fleet, Cluster, Change, Drift
package monitoring
