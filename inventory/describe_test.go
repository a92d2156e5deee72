package inventory

import (
	"net/netip"
	"reflect"
	"testing"
	"time"
)

type described struct {
	Common
	Port  int                  `var:"port" default:"0x10" kind:"port" doc:"Where to listen."`
	Life  time.Duration        `var:"life" default:"30s" min:"1s" unit:"s"`
	On    bool                 `var:"on" default:"yes"`
	Share float64              `var:"share" default:"0.25" max:"1"`
	Key   Secret               `var:"key" default:"x" required:"true"`
	Words []string             `var:"words" default:"[a, b]" enum:"a,b,c" max:"3"`
	ByNo  map[int]*describedIn `var:"by_no" default:"{1: {name: x}}"`
	Net   netip.Prefix         `var:"net"`
	At    *netip.Addr          `var:"at"`
	Other map[string]Value     `var:"*"`
}

type Common struct {
	Name string `var:"name" pattern:"[a-z]+"`
}

type describedIn struct {
	Name  string        `var:"name" required:"true"`
	Inner []describedIn `var:"inner"`
	Any   any           `var:"any"`
}

func TestDescribe(t *testing.T) {
	inner := Type{Shape: ShapeObject, Null: true, Fields: []Field{
		{Name: "name", Type: Type{Shape: ShapeText, Null: true}, Required: true},
		{Name: "inner", Type: Type{Shape: ShapeList, Null: true, Item: &Type{Shape: ShapeAny}}},
		{Name: "any", Type: Type{Shape: ShapeAny, Null: true}},
	}}
	want := []Field{
		{Name: "name", Type: Type{Shape: ShapeText, Pattern: "[a-z]+"}},
		{Name: "port", Type: Type{Shape: ShapeInt, Kind: "port"}, Doc: "Where to listen.", Given: true, Text: "0x10", Default: "0x10"},
		{Name: "life", Type: Type{Shape: ShapeDuration, Min: "1s"}, Unit: "s", Given: true, Text: "30s", Default: "30s"},
		{Name: "on", Type: Type{Shape: ShapeBool}, Given: true, Text: "yes", Default: true},
		{Name: "share", Type: Type{Shape: ShapeFloat, Max: "1"}, Given: true, Text: "0.25", Default: 0.25},
		{Name: "key", Type: Type{Shape: ShapeSecret, Null: true}, Given: true, Text: "x", Default: "x", Required: true},
		{
			Name: "words", Given: true, Text: "[a, b]", Default: []any{"a", "b"},
			Type: Type{Shape: ShapeList, Null: true, Max: "3", Item: &Type{Shape: ShapeText, Enum: []string{"a", "b", "c"}}},
		},
		{
			Name: "by_no", Given: true, Text: "{1: {name: x}}", Default: map[string]any{"1": map[string]any{"name": "x"}},
			Type: Type{Shape: ShapeMap, Keys: ShapeInt, Null: true, Item: &inner},
		},
		{Name: "net", Type: Type{Shape: ShapeNetwork}},
		{Name: "at", Type: Type{Shape: ShapeAddress, Null: true}},
	}
	got := Describe(reflect.TypeFor[described]())
	if len(got) != len(want) {
		t.Fatalf("%d fields, want %d", len(got), len(want))
	}
	for i := range want {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("got  %+v\nwant %+v", got[i], want[i])
		}
	}
}
