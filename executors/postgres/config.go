package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

var errNoConfig = errors.New("there is no dynamic configuration in the DCS")

// askConfig lets Patroni look into the DCS first: what it says of its configuration is else what it saw there
// in its last round, ten seconds ago.
func (l *Look) askConfig() (config map[string]any, err error) {
	if err := l.call(l.ctx, "GET", "/cluster", nil, nil); err != nil {
		return nil, err
	}
	if err = l.call(l.ctx, "GET", "/config", nil, &config); err == nil && len(config) == 0 {
		err = errNoConfig
	}
	return config, err
}

// seeConfig is one key; a null is no key.
func (l *Look) seeConfig(path string) (resource.Spec, error) {
	config, err := l.config()
	if err != nil {
		return nil, err
	}
	value, err := reach(config, path)
	if err != nil || value == nil {
		return nil, err
	}
	b, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	c := resource.PGConfig{Path: path, Value: string(b)}
	if name := c.Parameter(); name != "" {
		g, err := l.globals()
		if err != nil {
			return nil, err
		}
		c.PGType = g.Types[strings.ToLower(name)]
	}
	return c, nil
}

// reach walks down a path.
func reach(config map[string]any, path string) (any, error) {
	var value any = config
	for key := range strings.SplitSeq(path, "/") {
		if key == "" {
			return nil, fmt.Errorf("%q is no path of a configuration", path)
		}
		object, ok := value.(map[string]any)
		if !ok {
			return nil, nil
		}
		value = object[key]
	}
	return value, nil
}

// patch changes one key, and nothing beside it: what is sent is the difference, which Patroni merges into
// what is there, and refuses when that has changed meanwhile. It answers with what is in the DCS from then on.
func (l *Look) patch(c diff.Change) error {
	config, err := l.config()
	if err != nil {
		return err
	}
	now, err := reach(config, c.ID.Name)
	if err != nil {
		return err
	}
	want, there := c.Spec.(resource.PGConfig)
	there = there && c.Action != diff.Delete
	var value any
	if there {
		if value, err = l.fitting(want); err != nil {
			return err
		}
	}
	body := delta(now, value)
	for _, key := range slices.Backward(strings.Split(c.ID.Name, "/")) {
		body = map[string]any{key: body}
	}
	var after map[string]any
	if err := l.call(l.ctx, "PATCH", "/config", body, &after); err != nil {
		return conflicting(err)
	}
	if now, err = reach(after, c.ID.Name); err != nil || !holds(c, now) {
		return errors.Join(errNotPatched, err)
	}
	if there {
		l.comesIntoForce(want, value)
	}
	return nil
}

var errNotPatched = errors.New("it was patched and is not what it should be")

// fitting is the value that a key should have, if that stops nobody.
func (l *Look) fitting(want resource.PGConfig) (value any, err error) {
	d := json.NewDecoder(strings.NewReader(want.Value))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return nil, fmt.Errorf("the value of %s is no JSON", want.Path)
	}
	return value, l.fit(want, value)
}

// isOwn tells whether the sessions of a look begin with a parameter of their own, and so cannot tell of the server's.
func isOwn(name string) bool {
	for own := range params(true) {
		if strings.EqualFold(own, name) {
			return true
		}
	}
	return false
}

// heard tells whether a session that there is hears of a parameter's new value, by pg_settings.context. Others have it
// from their beginning, or the server has.
func heard(context string) bool {
	return slices.Contains([]string{"sighup", "superuser", "user"}, context)
}

// forcePatience is how long a parameter may take from the DCS to the server that leads.
const forcePatience = 2 * time.Second

// comesIntoForce waits a moment until the server has heard of a parameter that needs no restart. If it does not, that
// is seen when it is looked at again.
func (l *Look) comesIntoForce(want resource.PGConfig, value any) {
	name := strings.ToLower(want.Parameter())
	if name == "" || isOwn(name) {
		return
	}
	g, err := l.globals()
	if err != nil || !heard(g.Types[name].Context) {
		return
	}
	_ = l.within(maintenance, func(ctx context.Context, s *session) error {
		return l.awaitWithin(forcePatience, longestSQL, "", func(context.Context) (bool, error) {
			now := resource.PGSetting{PGType: g.Types[name]}
			err := s.ask(ctx, &now.Value, "SELECT to_json(current_setting($1))", name)
			return now.Same(name, now.Value, fmt.Sprint(value)), err
		})
	})
}

// holds tells whether a key is what it should be.
func holds(c diff.Change, now any) bool {
	if now == nil || c.Action == diff.Delete {
		return now == nil && c.Action == diff.Delete
	}
	b, err := json.Marshal(now)
	return err == nil && len(c.Spec.Compare(resource.PGConfig{Path: c.ID.Name, Value: string(b)})) == 0
}

// delta is what makes value of now when it is merged: a key that goes is a null. Nulls that would be
// stored as such are left out.
func delta(now, value any) any {
	want, ok := value.(map[string]any)
	if !ok {
		return value
	}
	have, _ := now.(map[string]any)
	out := map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if want[key] != nil {
			out[key] = delta(have[key], want[key])
		}
	}
	for key := range have {
		if _, kept := want[key]; !kept || want[key] == nil {
			out[key] = nil
		}
	}
	return out
}

// objects are the keys whose value must be one: Patroni takes anything that is JSON, and then stops
// working.
var objects = []string{"postgresql", "postgresql/parameters", "slots", "standby_cluster"}

// numbers are the keys whose value must be one.
var numbers = []string{
	"ttl", "loop_wait", "retry_timeout", "maximum_lag_on_failover", "max_timelines_history", "primary_start_timeout",
	"master_start_timeout", "primary_stop_timeout", "master_stop_timeout", "synchronous_node_count",
}

// conflicting says of a configuration that somebody else has changed at the same moment that it moved.
func conflicting(err error) error {
	var said *restError
	if errors.As(err, &said) && said.status == http.StatusConflict {
		return fmt.Errorf("%w: %w", executors.ErrMoved, err)
	}
	return err
}

// fit refuses what would stop a member, and a parameter that the server would not take.
func (l *Look) fit(want resource.PGConfig, value any) error {
	if err := fits(want.Path, value); err != nil {
		return err
	}
	name := strings.ToLower(want.Parameter())
	if text, plain := value.(string); name != "" && plain {
		return l.takes(name, text)
	}
	if name != "" {
		return l.takes(name, fmt.Sprint(value))
	}
	return nil
}

// fits refuses what would stop the members of the cluster.
func fits(path string, value any) error {
	_, object := value.(map[string]any)
	_, number := value.(json.Number)
	_, list := value.([]any)
	switch {
	case slices.Contains(objects, path) && !object:
		return fmt.Errorf("%s must be an object", path)
	case slices.Contains(numbers, path) && !number:
		return fmt.Errorf("%s must be a number", path)
	case strings.HasPrefix(path, "postgresql/parameters/") && (object || list):
		return fmt.Errorf("%s must be one value", path)
	}
	return nil
}
