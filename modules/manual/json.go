package manual

import "github.com/pigsync/pigsync/inventory"

// JSON is a parameter as programs read it.
type JSON struct {
	Name     string   `json:"name"`
	Module   string   `json:"module,omitempty"`
	Level    string   `json:"level,omitempty"`
	Doc      string   `json:"doc,omitempty"`
	Kind     string   `json:"kind"`
	Read     bool     `json:"read"`
	Secret   bool     `json:"secret,omitempty"`
	Required bool     `json:"required,omitempty"`
	Default  any      `json:"default,omitempty"`
	Enum     []string `json:"enum,omitempty"`
	Min      string   `json:"min,omitempty"`
	Max      string   `json:"max,omitempty"`
	Unit     string   `json:"unit,omitempty"`
	Pattern  string   `json:"pattern,omitempty"`
	Legacy   bool     `json:"legacy,omitempty"`
	Instead  string   `json:"instead,omitempty"`
	Formerly []string `json:"formerly,omitempty"`
	Keys     []JSONOf `json:"keys,omitempty"`
}

// JSONOf is a key of an object as programs read it.
type JSONOf struct {
	Path     string `json:"path"`
	Doc      string `json:"doc,omitempty"`
	Kind     string `json:"kind"`
	Required bool   `json:"required,omitempty"`
	Default  any    `json:"default,omitempty"`
}

// JSON returns the parameter as programs read it.
func (p Parameter) JSON() JSON {
	rules := leaf(p.Type)
	j := JSON{
		Name: p.Name, Module: p.Module, Level: p.Level, Doc: p.Doc, Kind: p.Kind(), Read: p.Read, Secret: p.Secret(),
		Required: p.Required, Default: p.Default, Enum: rules.Enum, Min: p.Type.Min, Max: p.Type.Max, Unit: p.Unit,
		Pattern: rules.Pattern, Legacy: p.Legacy, Instead: p.Instead, Formerly: p.Formerly,
	}
	for _, k := range p.Keys() {
		j.Keys = append(j.Keys, JSONOf{k.Path, k.Doc, k.Kind(), k.Required, k.Default})
	}
	return j
}

// leaf is what the items of lists in lists are made of: rules hold for those.
func leaf(t inventory.Type) inventory.Type {
	for t.Item != nil {
		t = *t.Item
	}
	return t
}
