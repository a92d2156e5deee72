package monitoring

// Dashboards are all there are, by the names of their files.
func Dashboards() map[string]Dashboard {
	return map[string]Dashboard{"fleet": fleet(), "cluster": cluster(), "change": change(), "drift": drift()}
}

// The series that the choices of a page leave.
const (
	ofInventory = `{inventory=~"$inventory"}`
	ofUnit      = `{inventory=~"$inventory", module=~"$module", cluster=~"$cluster"}`
	ofCluster   = `{inventory=~"$inventory", cluster=~"$cluster"}`
)

// fleet tells at a glance whether all is well.
func fleet() Dashboard {
	p := newPage("fleet", "Fleet", "Where every inventory stands, and whether pigsync itself is well.", inventories())
	p.stat(3, "Converged", "Inventories that are as their newest revision says.", "percentunit", calm, `avg(pigsync_converged`+ofInventory+`)`)
	p.stat(3, "Units out of sync", "Clusters and nodes that are not converged.", "short", anyBad,
		`sum(pigsync_unit_state{inventory=~"$inventory", state!="converged"})`)
	p.stat(3, "Drift", "Differences from commits that had converged.", "short", anyBad, `sum(pigsync_drift_items`+ofInventory+`)`)
	p.stat(3, "Oldest drift", "For how long the oldest of them has been there.", "s", scale{300, 900},
		`max(time() - pigsync_drift_first_seen_timestamp_seconds`+ofInventory+`)`)
	p.stat(3, "Waiting for somebody", "Steps that a policy holds.", "short", scale{1, 10}, `sum(pigsync_plan_blocked`+ofInventory+`) or vector(0)`)
	p.stat(3, "Unknown", "Resources of which nobody knows whether they differ.", "short", anyBad, `sum(pigsync_unknown_items`+ofInventory+`)`)
	p.stat(3, "Nodes away", "Nodes that did not answer at the last look.", "short", anyBad, `count(pigsync_node_reachable`+ofInventory+` == 0) or vector(0)`)
	p.stat(3, "Journal", "0 while what is done cannot be written down: then nothing is done.", "short", calm, `min(pigsync_journal_up`+ofInventory+`)`)
	p.areas("Units by state", "How many clusters and nodes are in each state.",
		query{`sum by (state) (pigsync_unit_state` + ofInventory + `)`, "{{state}}"})
	p.areas("Drift by class", "By the gravest hazard of putting it right.",
		query{`sum by (class) (pigsync_drift_items` + ofInventory + `)`, "{{class}}"})
	p.table("Units that are not converged", "With the state that each is in.", "short", calm,
		`pigsync_unit_state{inventory=~"$inventory", state!="converged"} == 1`)
	p.table("Last seen", "How long ago each node last answered.", "s", scale{120, 900},
		`topk(50, time() - pigsync_last_observed_timestamp_seconds`+ofInventory+`)`)
	p.lines(8, "Rounds", "What they came to, for a minute.", "short",
		query{`sum by (outcome) (rate(pigsync_rounds_total` + ofInventory + `[$__rate_interval])) * 60`, "{{outcome}}"})
	p.lines(8, "How long looking takes", "Nine of ten looks take no longer.", "s",
		query{`histogram_quantile(0.9, sum by (source, le) (rate(pigsync_observe_duration_seconds_bucket` + ofInventory + `[$__rate_interval])))`, "{{source}}"})
	p.lines(8, "Sources", "Answers of repositories, by result.", "short",
		query{`sum by (result) (increase(pigsync_git_fetch_total` + ofInventory + `[$__rate_interval]))`, "{{result}}"})
	p.lines(8, "Memory of the daemon", "Resident, and Go's heap.", "bytes",
		query{`process_resident_memory_bytes * on (instance, job) group_left () max by (instance, job) (pigsync_build_info)`, "resident"},
		query{`go_memstats_heap_inuse_bytes * on (instance, job) group_left () max by (instance, job) (pigsync_build_info)`, "heap"})
	p.lines(8, "Processor time of the daemon", "Of one core.", "percentunit",
		query{`rate(process_cpu_seconds_total[$__rate_interval]) * on (instance, job) group_left () max by (instance, job) (pigsync_build_info)`, "cpu"})
	p.lines(8, "Queues", "What waits, and where.", "short", query{`max by (queue) (pigsync_queue_depth)`, "{{queue}}"})
	return p.Dashboard
}

// cluster is about one cluster or node, or a few.
func cluster() Dashboard {
	p := newPage("cluster", "Cluster", "One cluster or node: its state, what differs, what waits and why.", inventories(), modules(), clusters())
	p.stat(4, "Policy", "What is done there without asking.", "short", calm, `count(pigsync_unit_info`+ofUnit+`)`)
	p.stat(4, "Drift", "Differences from a commit that had converged.", "short", anyBad, `sum(pigsync_drift_items`+ofUnit+`)`)
	p.stat(4, "Steps of the plan", "Without gates.", "short", scale{1, 50}, `sum(pigsync_plan_steps{inventory=~"$inventory", module=~"$module", cluster=~"$cluster", class!="check"})`)
	p.stat(4, "Held", "Steps that a policy holds.", "short", anyBad, `sum(pigsync_plan_blocked`+ofUnit+`) or vector(0)`)
	p.stat(4, "Suspended for", "Until somebody's word ends.", "s", calm, `max(pigsync_suspended_until_timestamp_seconds`+ofUnit+` - time())`)
	p.stat(4, "Fights", "Resources that somebody else changes back.", "short", anyBad, `sum(pigsync_fights`+ofUnit+`)`)
	p.states(24, "States", "Every state but converged.", "no", "yes",
		query{`max by (module, cluster, state) (pigsync_unit_state{inventory=~"$inventory", module=~"$module", cluster=~"$cluster", state!="converged"})`, "{{module}}/{{cluster}} {{state}}"})
	p.areas("What differs", "Steps of the last plan, by class.",
		query{`sum by (class) (pigsync_plan_steps` + ofUnit + `)`, "{{class}}"})
	p.lines(12, "What is held, by reason", "The codes stand in the page of policies.", "short",
		query{`sum by (code) (pigsync_plan_blocked` + ofUnit + `)`, "{{code}}"})
	p.lines(12, "Put back", "Steps that undid what had moved away, for an hour.", "short",
		query{`sum by (cluster, class) (increase(pigsync_corrective_changes_total` + ofUnit + `[1h]))`, "{{cluster}} {{class}}"})
	p.states(12, "Windows", "When steps of a class may begin.", "shut", "open",
		query{`min by (cluster, class) (pigsync_window_open` + ofUnit + `)`, "{{cluster}} {{class}}"})
	p.states(12, "Leaders", "Where PostgreSQL leads, as Patroni says.", "no", "leads",
		query{`max by (cluster, host) (pigsync_postgres_leader` + ofCluster + `)`, "{{cluster}} {{host}}"})
	p.states(12, "Restarts that PostgreSQL waits for", "A parameter takes effect with a restart only.", "no", "waits",
		query{`max by (cluster, host) (pigsync_postgres_pending_restart` + ofCluster + `)`, "{{cluster}} {{host}}"})
	p.lines(12, "For how long they wait", "Since the first look that saw it.", "s",
		query{`max by (cluster, host) (time() - pigsync_postgres_pending_restart_first_seen_timestamp_seconds` + ofCluster + `)`, "{{cluster}} {{host}}"})
	p.lines(12, "Timelines", "One more with each failover.", "short", query{`max by (cluster) (pigsync_postgres_timeline` + ofCluster + `)`, "{{cluster}}"})
	p.table("Remains and reboots", "What is left of who has left; see also the nodes that wait for their next start.", "short", anyBad,
		`sum by (module, cluster) (pigsync_orphan_items`+ofUnit+`)`)
	return p.Dashboard
}

// change follows commits to the fleet.
func change() Dashboard {
	p := newPage("change", "Change", "From a commit to a fleet that is as it says: how long it takes, and what stands in the way.", inventories())
	p.stat(4, "Waits for", "How long ago the newest commit was made that has not converged.", "s", scale{600, 3600},
		`max(inventory:pigsync_commit_waits_seconds:max`+ofInventory+`) or vector(0)`)
	p.stat(4, "To converge", "Half of all commits took no longer, in a day.", "s", calm,
		`histogram_quantile(0.5, sum by (le) (rate(pigsync_converge_duration_seconds_bucket`+ofInventory+`[1d])))`)
	p.stat(4, "Steps today", "That changed something, with success.", "short", calm,
		`sum(increase(pigsync_step_total{inventory=~"$inventory", class!="check", result="ok"}[1d]))`)
	p.stat(4, "Failed today", "Steps that did not succeed.", "short", anyBad, `sum(increase(pigsync_step_total{inventory=~"$inventory", result="failed"}[1d]))`)
	p.stat(4, "Refused", "Errors of newest revisions that are refused as a whole.", "short", anyBad, `sum(pigsync_inventory_parse_errors`+ofInventory+`)`)
	p.stat(4, "Quarantine", "Commits that are known to be bad.", "short", anyBad, `sum(pigsync_quarantined_commits`+ofInventory+`)`)
	p.lines(12, "Age of commits", "Of the newest that was seen, accepted, converged.", "s",
		query{`time() - pigsync_git_commit_timestamp_seconds` + ofInventory, "{{inventory}} {{state}}"})
	p.lines(12, "From sight to converged", "Half, and nine of ten.", "s",
		query{`histogram_quantile(0.5, sum by (inventory, le) (rate(pigsync_converge_duration_seconds_bucket` + ofInventory + `[6h])))`, "{{inventory}} half"},
		query{`histogram_quantile(0.9, sum by (inventory, le) (rate(pigsync_converge_duration_seconds_bucket` + ofInventory + `[6h])))`, "{{inventory}} nine of ten"})
	p.areas("Steps", "By class and result, for a minute.",
		query{`sum by (class, result) (rate(pigsync_step_total` + ofInventory + `[$__rate_interval])) * 60`, "{{class}} {{result}}"})
	p.lines(12, "How long steps take", "Nine of ten take no longer.", "s",
		query{`histogram_quantile(0.9, sum by (module, class, le) (rate(pigsync_step_duration_seconds_bucket` + ofInventory + `[$__rate_interval])))`, "{{module}} {{class}}"})
	p.areas("Plans", "Steps of the last plan, by class.", query{`sum by (class) (pigsync_plan_steps` + ofInventory + `)`, "{{class}}"})
	p.lines(12, "What waits for somebody", "Steps that are held, by reason.", "short",
		query{`sum by (module, cluster, code) (pigsync_plan_blocked` + ofInventory + `)`, "{{module}}/{{cluster}} {{code}}"})
	p.lines(8, "Webhooks", "Calls, by what came of them.", "short", query{`sum by (provider, result) (increase(pigsync_webhook_requests_total[$__rate_interval]))`, "{{provider}} {{result}}"})
	p.lines(8, "Rollbacks", "Returns to an earlier commit.", "short",
		query{`sum by (cluster, result) (increase(pigsync_rollbacks_total` + ofInventory + `[1h]))`, "{{cluster}} {{result}}"})
	p.lines(8, "Problems of the inventory", "Of the newest revision.", "short",
		query{`sum by (inventory, severity) (pigsync_inventory_problems` + ofInventory + `)`, "{{inventory}} {{severity}}"})
	return p.Dashboard
}

// drift is about what moves without a commit.
func drift() Dashboard {
	p := newPage("drift", "Drift", "What moves away from the commits: how old it is, how often it happens, and who fights.", inventories(), modules(), clusters())
	p.stat(4, "Drift", "Differences from commits that had converged.", "short", anyBad, `sum(pigsync_drift_items`+ofUnit+`)`)
	p.stat(4, "Oldest", "For how long it has been there.", "s", scale{300, 900}, `max(time() - pigsync_drift_first_seen_timestamp_seconds`+ofUnit+`)`)
	p.stat(4, "Seen today", "Changes by others.", "short", calm, `sum(increase(pigsync_drift_total{inventory=~"$inventory", module=~"$module", cluster=~"$cluster", cause!="commit"}[1d]))`)
	p.stat(4, "Put back today", "Steps that undid them.", "short", calm, `sum(increase(pigsync_corrective_changes_total`+ofUnit+`[1d]))`)
	p.stat(4, "Fights", "Resources that somebody else changes back.", "short", anyBad, `sum(pigsync_fights`+ofUnit+`)`)
	p.stat(4, "Out of desired state", "Of the last six hours.", "percentunit", scale{0.01, 0.06}, `avg(inventory:pigsync_unconverged:ratio6h`+ofInventory+`)`)
	p.areas("Drift by class", "By the gravest hazard of putting it right.", query{`sum by (class) (pigsync_drift_items` + ofUnit + `)`, "{{class}}"})
	p.lines(12, "Age of drift", "Of the oldest difference of a unit.", "s",
		query{`max by (module, cluster, class) (time() - pigsync_drift_first_seen_timestamp_seconds` + ofUnit + `)`, "{{module}}/{{cluster}} {{class}}"})
	p.areas("Changes by cause", "Differences that appeared, for an hour.",
		query{`sum by (cause) (increase(pigsync_drift_total` + ofUnit + `[1h]))`, "{{cause}}"})
	p.lines(12, "Who is changed most", "By others, in a day.", "short",
		query{`topk(10, sum by (module, cluster) (increase(pigsync_drift_total{inventory=~"$inventory", module=~"$module", cluster=~"$cluster", cause!="commit"}[1d])))`, "{{module}}/{{cluster}}"})
	p.states(12, "Suspended", "Units that somebody asked to leave alone.", "no", "suspended",
		query{`max by (module, cluster, reason_class) (pigsync_suspended` + ofUnit + `)`, "{{module}}/{{cluster}} {{reason_class}}"})
	p.lines(12, "What could not be observed", "Errors by reason, for an hour.", "short",
		query{`sum by (host, source, reason) (increase(pigsync_observe_errors_total` + ofInventory + `[1h]) > 0)`, "{{host}} {{source}} {{reason}}"})
	p.lines(12, "Share of time out of desired state", "What an error budget is spent on.", "percentunit",
		query{`inventory:pigsync_unconverged:ratio1h` + ofInventory, "{{inventory}} 1h"}, query{`inventory:pigsync_unconverged:ratio6h` + ofInventory, "{{inventory}} 6h"})
	p.table("Nodes that wait for their next start", "Pigsync restarts no machine.", "short", anyBad, `pigsync_node_reboot_pending`+ofInventory+` > 0`)
	return p.Dashboard
}
