package monitoring

import "encoding/json"

// prom is the Prometheus that whoever looks has chosen.
var prom = Source{Type: "prometheus", UID: "${datasource}"}

// page lays panels out, row after row.
type page struct {
	Dashboard
	x, y, high int
}

const width = 24

func newPage(name, title, description string, choices ...Variable) *page {
	p := &page{Dashboard: Dashboard{
		UID: "pigsync-" + name, Title: "Pigsync / " + title, Description: description, Tags: []string{"pigsync"}, Timezone: "browser",
		GraphTooltip: 1, Refresh: "30s", SchemaVersion: 39, Time: TimeRange{From: "now-6h", To: "now"}, Panels: []Panel{},
		Links: []Link{{Type: "dashboards", Title: "pigsync", Tags: []string{"pigsync"}, AsDropdown: true, IncludeVars: true, KeepTime: true}},
	}}
	p.Templating.List = append([]Variable{{Type: "datasource", Name: "datasource", Label: "Prometheus", Query: "prometheus"}}, choices...)
	p.Annotations.List = []Annotation{
		{
			Name: "Converged", Datasource: prom, Enable: true, IconColor: "green", TitleFormat: "{{inventory}} converged", Step: "30s",
			Expr: `changes(pigsync_git_commit_timestamp_seconds{inventory=~"$inventory", state="converged"}[1m]) > 0`,
		},
		{
			Name: "Steps", Datasource: Source{Type: "grafana", UID: "-- Grafana --"}, Enable: true, IconColor: "orange",
			Target: &AnnotationTarget{Limit: 200, Tags: []string{"pigsync"}, Type: "tags"},
		},
	}
	return p
}

// choice lets one choose among the values of a label.
func choice(name, label, query string) Variable {
	return Variable{
		Type: "query", Name: name, Label: label, Datasource: &prom, Query: LabelQuery{query, name}, Refresh: 2,
		Multi: true, IncludeAll: true, AllValue: ".*", Sort: 1,
	}
}

func inventories() Variable {
	return choice("inventory", "Inventory", "label_values(pigsync_converged, inventory)")
}

func modules() Variable {
	return choice("module", "Module", `label_values(pigsync_unit_state{inventory=~"$inventory"}, module)`)
}

func clusters() Variable {
	return choice("cluster", "Cluster", `label_values(pigsync_unit_state{inventory=~"$inventory", module=~"$module"}, cluster)`)
}

// add puts a panel beside the last one, or below when there is no room.
func (p *page) add(w, h int, panel Panel) {
	if p.x+w > width {
		p.x, p.y, p.high = 0, p.y+p.high, 0
	}
	panel.ID, panel.GridPos, panel.Datasource = len(p.Panels)+1, GridPos{H: h, W: w, X: p.x, Y: p.y}, prom
	p.x, p.high = p.x+w, max(p.high, h)
	p.Panels = append(p.Panels, panel)
}

// query is one line of a panel.
type query struct{ expr, legend string }

func targets(format string, instant bool, queries ...query) (out []Target) {
	for i, q := range queries {
		out = append(out, Target{
			RefID: string(rune('A' + i)), Datasource: prom, Expr: q.expr, LegendFormat: q.legend, Instant: instant, Range: !instant, Format: format,
		})
	}
	return out
}

// scale is where a value begins to be a matter of concern, and of alarm.
type scale struct{ warn, alarm float64 }

var (
	calm   = scale{}     // no colour means anything
	anyBad = scale{1, 1} // one is too many
)

func (s scale) thresholds() Thresholds {
	steps := []Threshold{{Color: "green"}}
	if s.warn != s.alarm {
		steps = append(steps, Threshold{Color: "orange", Value: &s.warn})
	}
	if s.alarm != 0 {
		steps = append(steps, Threshold{Color: "red", Value: &s.alarm})
	}
	return Thresholds{Mode: "absolute", Steps: steps}
}

// looks says how the values of a panel look.
func looks(unit string, s scale, custom map[string]any) FieldConfig {
	mode := "thresholds"
	if s == calm {
		mode = "palette-classic"
	}
	return FieldConfig{Overrides: []struct{}{}, Defaults: Defaults{
		Unit: unit, Color: Color{mode}, Thresholds: s.thresholds(), Mappings: []Mapping{}, Custom: custom,
	}}
}

// stat is one number.
func (p *page) stat(w int, title, about, unit string, s scale, expr string) {
	config := looks(unit, s, nil)
	config.Defaults.NoValue = "none"
	p.add(w, 4, Panel{
		Type: "stat", Title: title, Description: about, Targets: targets("", true, query{expr: expr}), FieldConfig: config,
		Options: map[string]any{
			"colorMode": "background", "graphMode": "none", "justifyMode": "auto", "textMode": "auto",
			"reduceOptions": map[string]any{"calcs": []string{"lastNotNull"}, "fields": "", "values": false},
		},
	})
}

// lines are values over time.
func (p *page) lines(w int, title, about, unit string, queries ...query) {
	p.graph(w, title, about, unit, false, queries)
}

// half of the width of a page, which has 24 columns.
const half = 12

// areas are counts over time that make up a whole, on half of the width.
func (p *page) areas(title, about string, queries ...query) {
	p.graph(half, title, about, "short", true, queries)
}

func (p *page) graph(w int, title, about, unit string, stacked bool, queries []query) {
	custom := map[string]any{"drawStyle": "line", "lineWidth": 1, "fillOpacity": 10, "showPoints": "never", "spanNulls": false}
	if stacked {
		custom["fillOpacity"], custom["stacking"] = 60, map[string]any{"mode": "normal", "group": "A"}
	}
	config := looks(unit, calm, custom)
	config.Defaults.Min = new(float64)
	p.add(w, 8, Panel{
		Type: "timeseries", Title: title, Description: about, Targets: targets("", false, queries...), FieldConfig: config,
		Options: map[string]any{
			"legend":  map[string]any{"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []string{}},
			"tooltip": map[string]any{"mode": "multi", "sort": "desc"},
		},
	})
}

// states are 0 or 1 over time, with the words for both.
func (p *page) states(w int, title, about, no, yes string, queries ...query) {
	config := looks("", anyBad, map[string]any{"fillOpacity": 70, "lineWidth": 0})
	config.Defaults.Mappings = []Mapping{{Type: "value", Options: map[string]MappedResult{
		"0": {Text: no, Color: "transparent", Index: 0}, "1": {Text: yes, Index: 1},
	}}}
	p.add(w, 8, Panel{
		Type: "state-timeline", Title: title, Description: about, Targets: targets("", false, queries...), FieldConfig: config,
		Options: map[string]any{
			"mergeValues": true, "showValue": "never", "alignValue": "left", "rowHeight": 0.9,
			"legend":  map[string]any{"displayMode": "list", "placement": "bottom", "showLegend": false},
			"tooltip": map[string]any{"mode": "single", "sort": "none"},
		},
	})
}

// table is a row for each series, the gravest first, on half of the width.
func (p *page) table(title, about, unit string, s scale, expr string) {
	config := looks(unit, s, map[string]any{"align": "auto", "cellOptions": map[string]any{"type": "color-text"}})
	p.add(half, 8, Panel{
		Type: "table", Title: title, Description: about, Targets: targets("table", true, query{expr: expr}), FieldConfig: config,
		Options: map[string]any{
			"showHeader": true, "cellHeight": "sm", "sortBy": []map[string]any{{"displayName": "Value", "desc": true}},
			"footer": map[string]any{"show": false, "reducer": []string{"sum"}, "countRows": false, "fields": ""},
		},
		Transformations: []Transformation{{ID: "organize", Options: map[string]any{
			"excludeByName": map[string]bool{"Time": true, "__name__": true, "job": true, "instance": true},
		}}},
	})
}

// JSON is a dashboard as Grafana reads it.
func (d Dashboard) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(d, "", "  ")
	return append(text, '\n'), err
}
